//go:build e2e

package processes_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// terminate is what the kubelet does to the pod of an agent.
func (a *agentProcess) terminate() {
	a.t.Helper()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		a.t.Fatal(err)
	}
}

// A DaemonSet's old pod may be deleted when the new one has just begun, for both have the same probes. An agent with a delay serves on until the
// new one has taken over, and no connection is refused.
func TestAgentEndsBeforeItIsReplaced(t *testing.T) {
	a := up(t, t.TempDir())
	a.apply(podRole)
	n := newNode(t, a)
	pod, token := n.pod(7), a.hostedToken()
	old := n.agent("-c", "local", "--shutdown-delay", "1m")
	ctx, stop := context.WithCancel(t.Context())
	var fetches atomic.Int64
	var client sync.WaitGroup
	defer client.Wait()
	defer stop()
	client.Go(func() {
		for ctx.Err() == nil {
			if body, err := fetch(t.Context(), pod.client(), overIPv4, token); err != nil {
				t.Errorf("%v\n%s", err, body)
				return
			}
			fetches.Add(1)
		}
	})
	for range 3 {
		goOn := func(what string) {
			fetches.Store(0)
			until(t, what, func() bool { return fetches.Load() >= 100 || t.Failed() })
		}
		old.terminate()
		goOn("fetches go on after SIGTERM")
		if body, err := fetch(t.Context(), n.client(), "http://127.0.0.1:2703/readyz", ""); err != nil {
			t.Errorf("probe: %v\n%s", err, body)
		}
		young := n.agent("-c", "local", "--shutdown-delay", "1m")
		if code, stderr := old.wait(); code != 0 || !strings.Contains(stderr, "replaced by another agent") {
			t.Errorf("the old agent ended with %d\n%s", code, stderr)
		}
		goOn("fetches go on with the next agent")
		old = young
	}
	stop()
	client.Wait()
	old.kill()
	a.stop()
}

// Where no other agent comes the delay is what it serves on for.
func TestAgentEndsAlone(t *testing.T) {
	a := up(t, t.TempDir())
	a.apply(podRole)
	n := newNode(t, a)
	token := a.hostedToken()
	agent := n.agent("-c", "local", "--shutdown-delay", "2s")
	began := time.Now()
	agent.terminate()
	if body, err := fetch(t.Context(), n.client(), overIPv4, token); err != nil {
		t.Errorf("%v\n%s", err, body)
	}
	if code, stderr := agent.wait(); code != 0 || time.Since(began) < 2*time.Second {
		t.Errorf("it ended with %d after %v\n%s", code, time.Since(began), stderr)
	}
	a.stop()
}
