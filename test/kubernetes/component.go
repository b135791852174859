package kubernetes

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// system is the cgroup of a node's own processes, beside the kubelet's of the pods.
const system = "system"

// start runs a component of the node.
func (n *Node) start(name string, argv ...string) error {
	p, err := launch(name, n.Log(name), argv...)
	return n.started(p, err)
}

func (n *Node) started(p *process, err error) error {
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.processes = append(n.processes, p)
	n.mu.Unlock()
	return n.group.Add(system, p.cmd.Process.Pid)
}

// stop ends the component of that name.
func (n *Node) stop(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.processes, func(p *process) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("%s does not run", name)
	}
	p := n.processes[i]
	n.processes = slices.Delete(n.processes, i, i+1)
	return p.kill()
}

// dead is a component that has ended without being asked to, or nil.
func (n *Node) dead() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.processes {
		select {
		case <-p.ended:
			return p
		default:
		}
	}
	return nil
}

// until asks again and again until there is nothing wrong, a component has ended, or the context has. It says what it waited for, and how long.
func (n *Node) until(ctx context.Context, what string, wrong func(context.Context) error) error {
	begun := time.Now()
	stop := every(10*time.Second, func() { n.say("still waiting for %s", what) })
	defer stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := wrong(attempt)
		cancel()
		if err == nil {
			n.say("%s ready (%s)", what, since(begun))
			return nil
		}
		if p := n.dead(); p != nil {
			return fmt.Errorf("%s ended while we waited for %s", p.name, what)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s not ready (%w): %w", what, ctx.Err(), err)
		case <-again.C:
		}
	}
}

// unmount takes away every mount below the directories, in the order that has none below another.
func unmount(below ...string) error {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range slices.Backward(lines) {
		point := strings.Fields(line)[4]
		if !slices.ContainsFunc(below, func(dir string) bool { return strings.HasPrefix(point, dir+"/") }) {
			continue
		}
		// Busy with a process that is just ending, or gone with the peer it was shared with.
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
			return fmt.Errorf("unmounting %s: %w", point, err)
		}
	}
	return nil
}
