//go:build e2e

package processes_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A node and a pod on it: the unmodified SDK in the pod gets its role over both link-local addresses.
func TestAgentOnANode(t *testing.T) {
	a := up(t, t.TempDir())
	a.apply(podRole)
	n := newNode(t, a)
	pod := n.pod(7)
	agent := n.agent("-c", "local")
	if want := "ready " + overIPv4 + " " + overIPv6 + "  cluster local\n"; agent.ready != want {
		t.Errorf("%q, want %q", agent.ready, want)
	}
	// The SDK also calls the authority, which it finds at the node's address.
	const authority = "10.244.1.1:8600"
	n.forward(authority, a.address())
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(a.hostedToken()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{overIPv4, overIPv6} {
		sdk := pod.command(filepath.Join(binDir, "gov2"), "GetCallerIdentity")
		sdk.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=us-west-2",
			"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + uri, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + token, "AWS_ENDPOINT_URL=http://" + authority,
		}
		out, err := sdk.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "arn:aws:sts::111122223333:assumed-role/pods/eks-local-web-0-") {
			t.Errorf("%s: %v\n%s", uri, err, out)
		}
	}
	for path, want := range map[string]string{
		"http://127.0.0.1:2703/healthz": "ok", "http://127.0.0.1:2703/readyz": "ok", "http://127.0.0.1:2705/metrics": `pod_identity_http_response{code="200"} 2`,
	} {
		if body, err := fetch(t.Context(), n.client(), path, ""); err != nil || !strings.Contains(body, want) {
			t.Errorf("%s: %v\n%s", path, err, body)
		}
	}
	agent.stop()
	// What it put there stays: pods of the node meet a refused connection and try again, not a router that swallows the packets.
	if _, err := fetch(t.Context(), pod.client(), overIPv4, "x"); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("when it has ended: %v", err)
	}
	a.stop()
}

// IPv6 switched off by sysctl is no failure.
func TestAgentWithoutIPv6(t *testing.T) {
	a := up(t, t.TempDir())
	a.apply(podRole)
	n := newNode(t, a)
	n.switchIPv6Off()
	pod := n.pod(7)
	agent := n.agent("-c", "local")
	if want := "ready " + overIPv4 + "  cluster local\n"; agent.ready != want {
		t.Errorf("%q, want %q", agent.ready, want)
	}
	if body, err := fetch(t.Context(), pod.client(), overIPv4, a.hostedToken()); err != nil {
		t.Errorf("%v\n%s", err, body)
	}
	if body, err := fetch(t.Context(), n.client(), "http://127.0.0.1:2703/readyz", ""); err != nil {
		t.Errorf("%v\n%s", err, body)
	}
	agent.stop()
	a.stop()
}

// A node with no IPv4 beside loopback is served over IPv6 alone.
func TestAgentOverIPv6Alone(t *testing.T) {
	a := up(t, t.TempDir())
	a.apply(podRole)
	n := newNode(t, a)
	pod := n.pod(7)
	agent := n.agent("-c", "local", "--bind-hosts", "[fd00:ec2::23]")
	if want := "ready " + overIPv6 + "  cluster local\n"; agent.ready != want {
		t.Errorf("%q, want %q", agent.ready, want)
	}
	pod.ip("-4", "addr", "flush", "dev", "eth0")
	if out := n.ip("-o", "-4", "addr"); strings.Contains(out, "169.254.170.23") {
		t.Errorf("the IPv4 address was put in place:\n%s", out)
	}
	if body, err := fetch(t.Context(), pod.client(), overIPv6, a.hostedToken()); err != nil {
		t.Errorf("%v\n%s", err, body)
	}
	for _, path := range []string{"healthz", "readyz"} {
		if body, err := fetch(t.Context(), n.client(), "http://127.0.0.1:2703/"+path, ""); err != nil {
			t.Errorf("%s: %v\n%s", path, err, body)
		}
	}
	agent.stop()
	a.stop()
}

// Agents replace each other under a loop of fetches, each over a connection of its own: none is refused, and none goes unanswered.
func TestAgentReplaced(t *testing.T) {
	a := up(t, t.TempDir())
	a.apply(podRole)
	n := newNode(t, a)
	pod := n.pod(7)
	token := a.hostedToken()
	old := n.agent("-c", "local")

	ctx, stop := context.WithCancel(t.Context())
	var fetches, probes atomic.Int64
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	for _, url := range []string{overIPv4, overIPv6, overIPv4, overIPv6} {
		clients.Go(func() {
			for ctx.Err() == nil {
				body, err := fetch(t.Context(), pod.client(), url, token)
				if err != nil {
					t.Errorf("%s: %v\n%s", url, err, body)
					return
				}
				fetches.Add(1)
			}
		})
	}
	clients.Go(func() {
		for ctx.Err() == nil {
			if body, err := fetch(t.Context(), n.client(), "http://127.0.0.1:2703/readyz", ""); err != nil {
				t.Errorf("probe: %v\n%s", err, body)
				return
			}
			probes.Add(1)
		}
	})
	for range 5 {
		until(t, "fetches go on", func() bool { return fetches.Load() > 0 && probes.Load() > 0 })
		fetches.Store(0)
		young := n.agent("-c", "local")
		if code, stderr := old.wait(); code != 0 || !strings.Contains(stderr, "replaced by another agent") {
			t.Errorf("the old agent ended with %d\n%s", code, stderr)
		}
		until(t, "fetches go on", func() bool { return fetches.Load() >= 200 || t.Failed() })
		old = young
	}
	// It took over how far the associations were followed, too: nothing had to be asked for again.
	if body, err := fetch(t.Context(), n.client(), "http://127.0.0.1:2705/metrics", ""); err != nil || strings.Contains(body, `podpass_agent_backend_calls_total{result="obtained"} 1`) {
		t.Errorf("after a hand-over the service was asked: %v\n%s", err, body)
	}
	stop()
	clients.Wait()
	// The cache comes along: with nothing behind it a new agent serves what the old one had.
	a.kill()
	last := n.agent("-c", "local")
	if code, stderr := old.wait(); code != 0 {
		t.Errorf("the old agent ended with %d\n%s", code, stderr)
	}
	for _, url := range []string{overIPv4, overIPv6} {
		if body, err := fetch(t.Context(), pod.client(), url, token); err != nil {
			t.Errorf("%s: %v\n%s", url, err, body)
		}
	}
	last.stop()
}

// In a pod the old agent does not end, or the kubelet would start it again to replace its successor. It ends with its pod; and when the successor
// has ended, so that one of the two is started again.
func TestAgentReplacedInAPod(t *testing.T) {
	a := up(t, t.TempDir())
	a.apply(podRole)
	n := newNode(t, a)
	n.env = append(n.env, "KUBERNETES_SERVICE_HOST=10.96.0.1", "KUBERNETES_SERVICE_PORT=443")
	pod, token := n.pod(7), a.hostedToken()
	first := n.agent("-c", "local")
	second := n.agent("-c", "local")
	third := n.agent("-c", "local")
	if body, err := fetch(t.Context(), pod.client(), overIPv4, token); err != nil {
		t.Errorf("%v\n%s", err, body)
	}
	for _, waiting := range []*agentProcess{first, second} {
		select {
		case <-waiting.ended:
			t.Errorf("an agent that was replaced has ended\n%s", waiting.stderr.String())
		default:
		}
	}
	first.stop()
	third.kill()
	if code, stderr := second.wait(); code != 1 || !strings.Contains(stderr, "the agent that replaced this one has ended") {
		t.Errorf("the agent that waited ended with %d\n%s", code, stderr)
	}
	fourth := n.agent("-c", "local")
	if body, err := fetch(t.Context(), pod.client(), overIPv4, token); err != nil {
		t.Errorf("%v\n%s", err, body)
	}
	fourth.stop()
	a.stop()
}

// A port in other hands is named, with what to do.
func TestAgentPortTaken(t *testing.T) {
	a := up(t, t.TempDir())
	n := newNode(t, a)
	n.must(filepath.Join(binDir, "podpass"), "agent", "initialize")
	n.forward("169.254.170.23:80", a.address())
	cmd := n.command(filepath.Join(binDir, "podpass"), "agent", "-c", "local", "--handover-socket", n.socket)
	cmd.Env = n.env
	out, err := cmd.CombinedOutput()
	for _, want := range []string{"podpass: 169.254.170.23:80 is in use by another process", "  try: ss -ltnp 'sport = :80'"} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, not %q\n%s", err, want, out)
		}
	}
	a.stop()
}

// until polls, for as long as the test is patient.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-again.C {
		if time.Now().After(deadline) {
			t.Fatalf("in vain, after %v: %s", patience, what)
		}
	}
}
