//go:build e2e

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/podpass/podpass/test/isolated"
	"github.com/podpass/podpass/test/kubernetes"
)

// patience bounds whatever a test waits for; a machine that is busy with other things takes a good part of it.
const patience = 3 * time.Minute

func TestMain(m *testing.M) { os.Exit(isolated.Run(prepare, func() int { return run(m) })) }

func run(m *testing.M) int {
	code := m.Run()
	var err error
	if podpass.world != nil {
		err = podpass.world.end()
	}
	if launched.node != nil {
		fmt.Fprintln(os.Stderr, "stopping the node ...")
		err = errors.Join(err, launched.node.Stop())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// binDir is where prepare puts what it builds: what has been fetched and built outside is all there is inside.
func binDir() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "build", "e2e"), nil
}

// prepare builds Kubernetes, podpass and the workload of the pods.
func prepare() error {
	if err := kubernetes.Prepare(context.Background(), os.Stderr); err != nil {
		return err
	}
	dir, err := binDir()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "building podpass and the workload of the pods ...")
	for name, pkg := range map[string]string{"podpass": "../../../cmd/podpass", "workload": "./workload"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	plugin := filepath.Join(dir, "kubectl-podpass")
	if err := os.Remove(plugin); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink("podpass", plugin)
}

// launched is the node that all tests share, from the first on that asks for it.
var launched struct {
	once sync.Once
	node *kubernetes.Node
	err  error
}

// node is the shared node. What it says when it cannot start is every test's failure.
func node(t *testing.T) *kubernetes.Node {
	t.Helper()
	launched.once.Do(func() { launched.node, launched.err = kubernetes.Launch(context.Background(), os.Stderr) })
	if launched.err != nil {
		t.Fatal(launched.err)
	}
	return launched.node
}

// podpass is the installation that all tests share, from the first on that asks for it.
var podpass struct {
	once  sync.Once
	world *world
	err   error
}

// shared is the node with podpass installed on it.
func shared(t *testing.T) *world {
	t.Helper()
	n := node(t)
	podpass.once.Do(func() { podpass.world, podpass.err = begin(context.Background(), n) })
	if podpass.err != nil {
		t.Fatalf("podpass could not be installed: %v", podpass.err)
	}
	return podpass.world
}
