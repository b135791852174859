//go:build e2e

package e2e_test

import (
	"bufio"
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	overIPv4 = "http://169.254.170.23/v1/credentials"
	overIPv6 = "http://[fd00:ec2::23]/v1/credentials"
)

// node is a namespace with the authority in reach, at the address it has outside.
type node struct {
	*namespace
	authority *authority
	env       []string
	socket    string
}

func newNode(t *testing.T, a *authority) *node {
	t.Helper()
	n := &node{namespace: newNamespace(t), authority: a}
	at := a.address()
	n.forward(at, at)
	text, err := os.ReadFile(filepath.Join(a.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	n.env = append([]string{}, a.env...)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		n.env = append(n.env, name+"="+strings.Trim(value, "'"))
	}
	run, err := os.MkdirTemp("", "run-") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	n.socket = filepath.Join(run, "agent", "socket")
	return n
}

// address is host:port of the authority.
func (a *authority) address() string {
	a.t.Helper()
	at, err := url.Parse(*a.aws().BaseEndpoint)
	if err != nil {
		a.t.Fatal(err)
	}
	return at.Host
}

// agentProcess is a `podpass agent`.
type agentProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	ready  string       // its line
	stderr bytes.Buffer // to be read when it has ended
	ended  chan struct{}
}

// agent starts one in the node's namespace, and returns when it is ready.
func (n *node) agent(args ...string) *agentProcess {
	n.t.Helper()
	a := &agentProcess{t: n.t, ended: make(chan struct{})}
	a.cmd = n.command(filepath.Join(binDir, "podpass"), append([]string{"agent", "--handover-socket", n.socket}, args...)...)
	a.cmd.Env, a.cmd.Stderr = n.env, &a.stderr
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	line := make(chan string, 1)
	go func() {
		defer close(a.ended)
		text, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- text
		_ = a.cmd.Wait() // ProcessState says the same
	}()
	n.t.Cleanup(a.kill)
	select {
	case a.ready = <-line:
	case <-time.After(patience):
	}
	if !strings.HasPrefix(a.ready, "ready ") {
		a.kill()
		n.t.Fatalf("podpass agent did not get ready\n%s", a.stderr.String())
	}
	return a
}

func (a *agentProcess) kill() {
	_ = a.cmd.Process.Kill() // it may have ended
	<-a.ended
}

// wait returns when it has ended by itself.
func (a *agentProcess) wait() (code int, stderr string) {
	a.t.Helper()
	select {
	case <-a.ended:
	case <-time.After(patience):
		a.kill()
		a.t.Fatalf("podpass agent did not end\n%s", a.stderr.String())
	}
	return a.cmd.ProcessState.ExitCode(), a.stderr.String()
}

// stop asks it to end and wants exit code 0.
func (a *agentProcess) stop() {
	a.t.Helper()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		a.t.Fatal(err)
	}
	if code, stderr := a.wait(); code != 0 {
		a.t.Fatalf("podpass agent ended with %d\n%s", code, stderr)
	}
}

// podRole trusts Pod Identity, and shop/web of the cluster local is associated with it.
const podRole = `apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: pods}
spec:
  trust: {namespace: shop, serviceAccount: web, mechanism: pod-identity}
---
apiVersion: podpass.io/v1alpha1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: podpass.io/v1alpha1
kind: Association
metadata: {name: web, namespace: shop}
spec: {role: pods}
`

// hostedToken is one of shop/web, as podpass's own issuer gives it.
func (a *authority) hostedToken() string {
	return strings.TrimSpace(a.must("token", "-n", "shop", "web", "--audience", "pods.eks.amazonaws.com", "--pod-name", "web-0"))
}
