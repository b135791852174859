package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Version is the Kubernetes that test/kubernetes/binaries pins.
const Version = "v1.36.3"

// A binary is a command of a module the tests need, and how to build it.
type binary struct {
	name, pkg string
	module    string // directory below the repository's root whose go.mod says which version
	ldflags   string
	took      string // how long the first build takes on two cores
}

var (
	etcd          = binary{name: "etcd", pkg: "go.etcd.io/etcd/server/v3", module: ".", took: "a minute"}
	kubeAPIServer = binary{
		name: "kube-apiserver", pkg: "k8s.io/kubernetes/cmd/kube-apiserver", module: "test/kubernetes/binaries", took: "8 minutes",
		// Without it the server reports a version no client can parse.
		ldflags: "-X k8s.io/component-base/version.gitVersion=" + Version + " -X k8s.io/client-go/pkg/version.gitVersion=" + Version,
	}
)

// build brings the binary in build/kubernetes up to date, which is for the go command to judge, and returns its path.
func (b binary) build(ctx context.Context) (string, error) {
	root, err := repository(ctx)
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "build", "kubernetes", b.name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "building %s (first time: about %s) ...\n", b.name, b.took)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", b.ldflags, "-o", path, b.pkg)
	cmd.Dir = filepath.Join(root, b.module)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", b.name, err, out)
	}
	return path, nil
}

// repository is the root of the module a test runs in.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}
