package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/test/isolated"
	"github.com/podpass/podpass/test/isolated/cgroup"
)

// nodeDir is where a Node keeps everything: in memory, where the paths of sockets are short. One Node runs at a time.
const nodeDir = "/run/node"

// Node is a whole Kubernetes of one node, which runs pods.
type Node struct {
	dir       string
	binaries  string // the directory of what Prepare made
	log       io.Writer
	begun     time.Time
	group     cgroup.Group
	authority *authority
	config    *rest.Config
	client    clientset.Interface

	mu        sync.Mutex
	processes []*process // those that run, as they were started
}

// Launch starts a Node and returns when pods run on it: its node is ready, services and names work, the first service account is there. It says on log
// what it does. What Prepare makes must be there, and the test must run isolated. A Node that could not be started has left nothing.
func Launch(ctx context.Context, log io.Writer) (*Node, error) {
	if !isolated.Inside() {
		return nil, errors.New("kubernetes.Launch would leave its traces on the machine: let TestMain call isolated.Run")
	}
	dir, err := binaries(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(nodeDir, 0o755); err != nil {
		return nil, fmt.Errorf("one Node runs at a time: %w", err)
	}
	n := &Node{dir: nodeDir, binaries: dir, log: log, begun: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := n.launch(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the node did not start: %w\n%s", err, n.Logs()), n.Stop())
	}
	return n, nil
}

func (n *Node) launch(ctx context.Context) error {
	if err := n.prepare(); err != nil {
		return err
	}
	if err := n.startEtcd(); err != nil {
		return err
	}
	if err := n.startContainerd(ctx); err != nil {
		return err
	}
	if err := n.StartAPIServer(ctx); err != nil { // which etcd need not be ready for
		return err
	}
	for _, start := range []func() error{n.startControllers, n.startScheduler, n.startKubelet, n.startProxy, func() error { return n.startDNS(ctx) }} {
		if err := start(); err != nil {
			return err
		}
	}
	if err := n.loadPause(ctx); err != nil {
		return err
	}
	return n.waitReady(ctx)
}

// prepare makes what must be there before anything runs.
func (n *Node) prepare() error {
	for _, dir := range []string{"cni", "manifests", "volume-plugins"} {
		if err := os.Mkdir(n.path(dir), 0o755); err != nil {
			return err
		}
	}
	var err error
	if n.group, err = cgroup.Named(isolated.Group()); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return n.group.Create(system) }, makeNetwork, n.hideTunables, n.writeIdentities, n.connect,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends every process, by its id, and removes what the node left: containers, mounts, links, rules, cgroups, files.
func (n *Node) Stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var err error
	for len(n.processes) > 0 {
		last := len(n.processes) - 1
		err = errors.Join(err, n.processes[last].kill())
		n.processes = n.processes[:last]
	}
	err = errors.Join(err, n.group.Kill(), unmount(n.dir, "/run/netns", "/run/containerd"), showTunables(), removeNetwork(), n.group.Remove())
	for _, dir := range []string{n.dir, "/run/netns", "/run/containerd", "/run/mount"} { // the last is that of mount(8), which a kubelet runs
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// Logs is what each component said at last, for a test that fails.
func (n *Node) Logs() string {
	files, err := filepath.Glob(n.path("*.log"))
	if err != nil {
		return err.Error()
	}
	var text strings.Builder
	for _, file := range files {
		text.WriteString((&process{name: strings.TrimSuffix(filepath.Base(file), ".log"), log: file}).tail() + "\n")
	}
	return text.String()
}

// Log is the file of everything a component has said, such as kubelet or kube-apiserver.
func (n *Node) Log(component string) string { return n.path(component + ".log") }

// say reports progress.
func (n *Node) say(format string, args ...any) {
	fmt.Fprintf(n.log, "node: %5.1fs %s\n", time.Since(n.begun).Seconds(), fmt.Sprintf(format, args...))
}
