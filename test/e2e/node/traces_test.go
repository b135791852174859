//go:build e2e

package node_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/test/isolated"
	"github.com/podpass/podpass/test/kubernetes"
)

// traces is all that a node could leave on a machine, in lists that are equal if nothing was left.
func traces(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range commands {
		line, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended since
		}
		if err != nil {
			t.Fatal(err)
		}
		found["processes"] = append(found["processes"], strings.ReplaceAll(string(line), "\x00", " "))
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	found["mounts"] = strings.Split(string(mounts), "\n")
	for name, argv := range map[string][]string{"links": {"ip", "-br", "link"}, "addresses": {"ip", "-br", "addr"}, "rules": {"nft", "list", "ruleset"}} {
		out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", argv, err, out)
		}
		found[name] = strings.Split(string(out), "\n")
	}
	for name, pattern := range map[string]string{"cgroups": "/sys/fs/cgroup/*/" + isolated.Group() + "*", "cgroups v2": "/sys/fs/cgroup/" + isolated.Group() + "*", "files": "/run/*", "/var": "/var/*", "temporary": os.TempDir() + "/*"} {
		if found[name], err = filepath.Glob(pattern); err != nil {
			t.Fatal(err)
		}
	}
	for _, list := range found {
		slices.Sort(list)
	}
	return found
}

// wantTraces waits for the kernel, which takes links and namespaces away when it gets round to it.
func wantTraces(t *testing.T, before map[string][]string) {
	t.Helper()
	until(t, "what is left on the machine", func() error {
		if diff := cmp.Diff(before, traces(t)); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
}

// Every node is as good as the first, and leaves nothing.
func TestStopLeavesNothing(t *testing.T) {
	before := traces(t)
	for round := range 3 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			n := start(t)
			loadProbe(t, n)
			kubectl(t, n, shop, "apply", "-f", "-")
			kubectl(t, n, "", "-n", "shop", "rollout", "status", "deployment/web", "--timeout=60s")
		})
		wantTraces(t, before)
	}
}

// A node that cannot start says why, and leaves nothing.
func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:6443")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := traces(t)
	n, err := kubernetes.Launch(t.Context(), os.Stderr)
	if err == nil {
		t.Error("it started", n.Stop())
	} else if !strings.Contains(err.Error(), "kube-apiserver ended") || !strings.Contains(err.Error(), "address already in use") {
		t.Error(err)
	}
	wantTraces(t, before)
}

// leaveTraces runs a node with a pod until it is killed.
func leaveTraces() int {
	n, err := kubernetes.Launch(context.Background(), os.Stderr)
	if err == nil {
		manifest := `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lone"}, "spec": {"containers": [{"name": "pause", "image": "podpass.test/pause:1"}]}}`
		_, err = n.Kubectl(context.Background(), manifest, "apply", "-f", "-")
	}
	if err == nil {
		_, err = n.Kubectl(context.Background(), "", "wait", "pod/lone", "--for=condition=Ready", "--timeout=60s")
	}
	fmt.Println("launched", err)
	select {}
}

// A test binary that is killed takes its node with it: there is nobody left to stop anything.
func TestKilledLeavesNothing(t *testing.T) {
	before := traces(t)
	cmd := play(leave)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "launched <nil>\n" {
		t.Errorf("it said %q, %v", line, err)
	}
	if len(traces(t)["processes"]) < len(before["processes"])+8 {
		t.Error("there is no node")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	wantTraces(t, before)
}
