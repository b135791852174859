package kubernetes

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Version is the Kubernetes that test/kubernetes/binaries pins.
const Version = "v1.36.3"

// A target is one or more commands of a module the tests need, which one run of the go command builds, so that they share what they have in common.
type target struct {
	packages []string
	module   string // directory below the repository's root whose go.mod says which version
	ldflags  string
	took     string // how long the first build takes on two cores
}

// pinned is commands of Kubernetes itself. Without the flags they report a version no client can parse.
func pinned(took string, commands ...string) target {
	t := target{
		module: "test/kubernetes/binaries", took: took,
		ldflags: "-X k8s.io/component-base/version.gitVersion=" + Version + " -X k8s.io/client-go/pkg/version.gitVersion=" + Version,
	}
	for _, name := range commands {
		t.packages = append(t.packages, "k8s.io/kubernetes/cmd/"+name)
	}
	return t
}

var (
	etcd          = target{packages: []string{"go.etcd.io/etcd/server/v3"}, module: ".", took: "a minute"}
	kubeAPIServer = pinned("8 minutes", "kube-apiserver")
	nodeCommands  = pinned("9 minutes", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
	pause         = target{packages: []string{"./test/kubernetes/pause"}, module: ".", took: "a few seconds"}
	coreDNS       = target{packages: []string{"github.com/podpass/podpass/test/kubernetes/coredns"}, module: "test/kubernetes/coredns", took: "a minute"}
)

// Prepare brings all that a Node runs up to date and says on log what it does. Only a first build takes long, and needs the network.
func Prepare(ctx context.Context, log io.Writer) error {
	for _, t := range []target{etcd, nodeCommands, pause, coreDNS} {
		if err := t.build(ctx, log); err != nil {
			return err
		}
	}
	return nil
}

// command builds the only command of the target if need be, and returns its path.
func (t target) command(ctx context.Context) (string, error) {
	if err := t.build(ctx, os.Stderr); err != nil {
		return "", err
	}
	dir, err := binaries(ctx)
	return filepath.Join(dir, t.names()[0]), err
}

// build leaves the commands in build/kubernetes. Whether they are up to date is for the go command to judge.
func (t target) build(ctx context.Context, log io.Writer) error {
	dir, err := binaries(ctx)
	if err != nil {
		return err
	}
	root := filepath.Dir(filepath.Dir(dir))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	names := strings.Join(t.names(), ", ")
	out := dir + string(filepath.Separator) // each below its own name
	if len(t.packages) == 1 {
		out = filepath.Join(dir, t.names()[0])
	}
	args := append([]string{"build", "-v", "-trimpath", "-ldflags", t.ldflags, "-o", out}, t.packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = filepath.Join(root, t.module), append(os.Environ(), "CGO_ENABLED=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT} // as its terminal would, so that it removes its files
	if t.missing(dir) {
		fmt.Fprintf(log, "building %s (first time: about %s)\n", names, t.took)
	}
	said := &compiled{}
	cmd.Stdout, cmd.Stderr = said, said
	begun := time.Now()
	stop := every(15*time.Second, func() {
		fmt.Fprintf(log, "building %s: %s, %d packages compiled\n", names, since(begun), said.packages())
	})
	err = cmd.Run()
	stop()
	if err != nil {
		return fmt.Errorf("building %s: %w\n%s", names, err, said.rest())
	}
	return nil
}

func (t target) missing(dir string) bool {
	for _, name := range t.names() {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return true
		}
	}
	return false
}

func (t target) names() []string {
	var names []string
	for _, pkg := range t.packages {
		if pkg == "go.etcd.io/etcd/server/v3" {
			pkg = "etcd" // what the command calls itself
		}
		names = append(names, path.Base(pkg))
	}
	return names
}

// binaries is where the commands are, below the root of the module a test runs in.
func binaries(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "build", "kubernetes"), nil
}
