//go:build e2e

package processes_test

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
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
	n.env = as(a.env, a.settings())
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
	at, err := url.Parse(a.url)
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
	cmd := n.command(filepath.Join(binDir, "podpass"), append([]string{"agent", "--handover-socket", n.socket}, args...)...)
	cmd.Env = n.env
	return startAgent(n.t, cmd)
}

// sidecar starts one on loopback.
func sidecar(t *testing.T, env []string, args ...string) *agentProcess {
	t.Helper()
	cmd := exec.Command(filepath.Join(binDir, "podpass"), append([]string{"agent", "--loopback", "127.0.0.1:0"}, args...)...)
	cmd.Env, cmd.SysProcAttr = env, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return startAgent(t, cmd)
}

func startAgent(t *testing.T, cmd *exec.Cmd) *agentProcess {
	t.Helper()
	a := &agentProcess{t: t, cmd: cmd, ended: make(chan struct{})}
	cmd.Stderr = &a.stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make(chan string, 1)
	go func() {
		defer close(a.ended)
		text, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- text
		_ = cmd.Wait() // ProcessState says the same
	}()
	t.Cleanup(a.kill)
	select {
	case a.ready = <-line:
	case <-time.After(patience):
	}
	if !strings.HasPrefix(a.ready, "ready ") {
		a.kill()
		t.Fatalf("podpass agent did not get ready\n%s", a.stderr.String())
	}
	return a
}

// url is where it hands out credentials.
func (a *agentProcess) url() string { return strings.Fields(a.ready)[1] }

// fetch asks a sidecar, over a connection of its own.
func (a *agentProcess) fetch(token string) (string, error) {
	return fetch(a.t.Context(), loopback(), a.url(), token)
}

// serves wants credentials for a token.
func (a *agentProcess) serves(what, token string) {
	a.t.Helper()
	if body, err := a.fetch(token); err != nil {
		a.t.Errorf("%s: %v\n%s", what, err, body)
	}
}

// refuses wants a status, and a text in the answer.
func (a *agentProcess) refuses(what, token, status, text string) {
	a.t.Helper()
	if body, err := a.fetch(token); !errors.Is(err, errStatus) || !strings.Contains(err.Error(), status) || !strings.Contains(body, text) {
		a.t.Errorf("%s: %v, want %s and %q\n%s", what, err, status, text, body)
	}
}

// loopback is a client of what listens there, with a connection for every request.
func loopback() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
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

// hostedToken is one of shop/web, as podpass's own issuer gives it: of another pod each time, with a uid of its own.
func (a *authority) hostedToken() string {
	a.t.Helper()
	return a.tokenOf("web")
}

func (a *authority) tokenOf(account string) string {
	a.t.Helper()
	return strings.TrimSpace(a.must("token", "-n", "shop", account, "--audience", "pods.eks.amazonaws.com", "--pod-name", account+"-0"))
}
