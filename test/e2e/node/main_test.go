//go:build e2e

package node_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/podpass/podpass/test/isolated"
	"github.com/podpass/podpass/test/kubernetes"
)

// patience bounds whatever a test waits for; a machine that is busy with other things takes a good part of it.
const patience = time.Minute

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && roles[os.Args[1]] != nil {
		os.Exit(isolated.Run(func() error { return nil }, roles[os.Args[1]]))
	}
	os.Exit(isolated.Run(prepare, m.Run))
}

// prepare makes what needs a network to be made: inside there is none.
func prepare() error { return kubernetes.Prepare(context.Background(), os.Stderr) }

// start is a node that ends with the test.
func start(t *testing.T) *kubernetes.Node {
	t.Helper()
	n, err := kubernetes.Launch(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(n.Logs())
		}
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

const probeImage = "podpass.test/probe:1"

// loadProbe gives the node the image of the probe.
func loadProbe(t *testing.T, n *kubernetes.Node) {
	t.Helper()
	dir := t.TempDir()
	binary, tar := filepath.Join(dir, "probe"), filepath.Join(dir, "probe.tar")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "./probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the probe: %v\n%s", err, out)
	}
	if err := kubernetes.Image(t.Context(), tar, probeImage, map[string]string{"/probe": binary}, "/probe"); err != nil {
		t.Fatal(err)
	}
	if err := n.Load(t.Context(), tar); err != nil {
		t.Fatal(err)
	}
}

func kubectl(t *testing.T, n *kubernetes.Node, stdin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := n.Kubectl(ctx, stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// until asks until there is nothing wrong.
func until(t *testing.T, what string, wrong func() error) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		err := wrong()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: %v", what, err)
		case <-again.C:
		}
	}
}
