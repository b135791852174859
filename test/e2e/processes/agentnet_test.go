//go:build e2e

package processes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// namespace is a network of its own, with its loopback up. A process that sleeps holds it: when that is gone, and whatever the test ran in it,
// the kernel takes the network with all its devices.
type namespace struct {
	t    *testing.T
	hold *exec.Cmd
}

func newNamespace(t *testing.T) *namespace {
	t.Helper()
	n := &namespace{t: t, hold: exec.Command("sleep", "infinity")}
	n.hold.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := n.hold.Start(); err != nil {
		t.Fatalf("a network namespace: %v (this test needs root)", err)
	}
	t.Cleanup(func() {
		if err := n.hold.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = n.hold.Wait() // it was killed
	})
	n.ip("link", "set", "lo", "up")
	return n
}

func (n *namespace) path() string { return "/proc/" + strconv.Itoa(n.hold.Process.Pid) + "/ns/net" }

// command is one that runs in the namespace.
func (n *namespace) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--net=" + n.path(), name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // nsenter becomes the command, and keeps it
	return cmd
}

// must is the output of a command that has to succeed.
func (n *namespace) must(name string, args ...string) string {
	n.t.Helper()
	out, err := n.command(name, args...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (n *namespace) ip(args ...string) string { return n.must("ip", args...) }

// within runs f on a thread that is in the namespace: sockets f makes are of it.
func (n *namespace) within(f func() error) error {
	runtime.LockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer unix.Close(home)
	there, err := unix.Open(n.path(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(there)
		err = unix.Setns(there, unix.CLONE_NEWNET)
	}
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = f()
	if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
		return back // the thread stays locked, and ends with its goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// dial connects from the namespace. The address must be a number: a resolver would work on other threads.
func (n *namespace) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = n.within(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// client makes a connection from the namespace for every request.
func (n *namespace) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.dial, DisableKeepAlives: true}, Timeout: patience}
}

// forward listens in the namespace and passes what comes on to an address outside, as if that were there too.
func (n *namespace) forward(listen, to string) {
	n.t.Helper()
	var l net.Listener
	if err := n.within(func() (err error) { l, err = net.Listen("tcp", listen); return err }); err != nil {
		n.t.Fatal(err)
	}
	forward(n.t, l, to)
}

// forward passes every connection on to an address of this namespace.
func forward(t *testing.T, l net.Listener, to string) {
	var group sync.WaitGroup
	group.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			group.Go(func() { pass(in, out) })
			group.Go(func() { pass(out, in) })
		}
	})
	t.Cleanup(func() { l.Close() }) // what is under way ends with the two processes
}

func pass(from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	_, err := io.Copy(to, from)
	_ = err // either side may hang up as it likes
}

// pod is a namespace that reaches a node's through a veth pair, as a pod's does: 10.244.1.N and fd00:244::N.
func (n *namespace) pod(number int) *namespace {
	n.t.Helper()
	p := newNamespace(n.t)
	outside, v4, v6 := fmt.Sprintf("pod%d", number), fmt.Sprintf("10.244.1.%d", number), fmt.Sprintf("fd00:244::%x", number)
	n.ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(p.hold.Process.Pid))
	n.ip("link", "set", outside, "up")
	n.ip("addr", "add", "10.244.1.1/32", "dev", outside)
	n.ip("route", "add", v4, "dev", outside)
	p.ip("link", "set", "eth0", "up")
	p.ip("addr", "add", v4+"/32", "dev", "eth0")
	p.ip("route", "add", "10.244.1.1", "dev", "eth0")
	p.ip("route", "add", "default", "via", "10.244.1.1")
	if n.hasIPv6() {
		n.ip("addr", "add", "fd00:244::1/128", "dev", outside, "nodad")
		n.ip("route", "add", v6, "dev", outside)
		p.ip("addr", "add", v6+"/128", "dev", "eth0", "nodad")
		p.ip("route", "add", "fd00:244::1", "dev", "eth0")
		p.ip("route", "add", "default", "via", "fd00:244::1", "dev", "eth0")
	}
	return p
}

func (n *namespace) hasIPv6() bool {
	return strings.TrimSpace(n.must("cat", "/proc/sys/net/ipv6/conf/all/disable_ipv6")) == "0"
}

func (n *namespace) switchIPv6Off() {
	for _, of := range []string{"all", "default"} {
		n.must("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/"+of+"/disable_ipv6")
	}
}

// hasDummyLinks says whether the kernel knows the type.
func (n *namespace) hasDummyLinks() bool {
	out, err := n.command("ip", "link", "add", "probe0", "type", "dummy").CombinedOutput()
	if err == nil {
		n.ip("link", "del", "probe0")
		return true
	}
	if !strings.Contains(string(out), "Unknown device type") {
		n.t.Fatalf("ip link add type dummy: %v\n%s", err, out)
	}
	return false
}

var errStatus = errors.New("refused")

// fetch is one request for credentials, and errStatus with the text for an answer that is none.
func fetch(ctx context.Context, client *http.Client, url, token string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", token)
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w: %s", errStatus, resp.Status)
	}
	return string(body), err
}
