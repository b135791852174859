//go:build e2e

package cluster_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// gate stands between a podpass command and both APIs it changes things with, and kills it as soon as a change has been carried out: what the command
// would have been told of it, it never hears.
type gate struct {
	account, cluster *httptest.Server

	mu      sync.Mutex
	process *os.Process // to be killed; nil: let everything through
	killed  string      // what was carried out last
	changes int
}

func (w *world) newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{}
	administrator := w.administrator(t)
	server, err := url.Parse(stsEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	doer, ok := administrator.HTTPClient.(*http.Client)
	if !ok {
		t.Fatal("the administrator's client is another one")
	}
	g.account = g.serve(t, server, doer.Transport, changesAccount)
	transport, err := rest.TransportFor(w.config)
	if err != nil {
		t.Fatal(err)
	}
	api, err := url.Parse(w.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	g.cluster = g.serve(t, api, transport, changesServiceAccount)
	return g
}

func (g *gate) serve(t *testing.T, to *url.URL, transport http.RoundTripper, changes func(*http.Request, []byte) string) *httptest.Server {
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		what := changes(r, body)
		if what == "" {
			proxy.ServeHTTP(w, r)
			return
		}
		done := httptest.NewRecorder()
		proxy.ServeHTTP(done, r)
		if g.kill(what) {
			return
		}
		for key, values := range done.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(done.Code)
		_, _ = w.Write(done.Body.Bytes())
	}))
	t.Cleanup(server.Close)
	return server
}

func (g *gate) kill(what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changes++
	if g.process == nil {
		return false
	}
	_ = g.process.Kill()
	g.killed = what
	return true
}

// changesAccount names a call of IAM or EKS that changes something.
func changesAccount(r *http.Request, body []byte) string {
	if r.URL.Path != "/" {
		if r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/assume-role-for-pod-identity") {
			return ""
		}
		return r.Method + " " + r.URL.Path
	}
	form, _ := url.ParseQuery(string(body))
	action := form.Get("Action")
	for _, reads := range []string{"Get", "List", "Assume"} {
		if strings.HasPrefix(action, reads) {
			return ""
		}
	}
	return action
}

// changesServiceAccount names a request that changes a service account. Pods that prove something are made and removed at every run.
func changesServiceAccount(r *http.Request, _ []byte) string {
	if r.Method == http.MethodGet || !strings.Contains(r.URL.Path, "/serviceaccounts") || strings.HasSuffix(r.URL.Path, "/token") {
		return ""
	}
	return r.Method + " " + r.URL.Path
}

// run runs podpass through the gate, as the administrator of both.
func (g *gate) run(t *testing.T, w *world, kill bool, args ...string) error {
	t.Helper()
	administrator := w.administrator(t)
	key, err := administrator.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := w.command(t.Context(), "podpass", args...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+g.account.URL, "AWS_REGION="+region, "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey,
		"KUBECONFIG="+g.kubeconfig(t))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	g.mu.Lock() // until the process is known, nothing of its can be carried out
	g.process, g.killed, g.changes = nil, "", 0
	if err = cmd.Start(); err == nil && kill {
		g.process = cmd.Process
	}
	g.mu.Unlock()
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out.Bytes())
	}
	return nil
}

func (g *gate) kubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{"apiVersion":"v1","kind":"Config","current-context":"gate","contexts":[{"name":"gate","context":{"cluster":"gate"}}],"clusters":[{"name":"gate","cluster":{"server":"` + g.cluster.URL + `"}}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// untilWhole runs a command that is killed after each of its changes, again and again, until one run has nothing left to change.
func (g *gate) untilWhole(t *testing.T, w *world, args ...string) (killed []string) {
	t.Helper()
	for range 20 {
		err := g.run(t, w, true, args...)
		if err == nil {
			return killed
		}
		g.mu.Lock()
		what := g.killed
		g.mu.Unlock()
		if what == "" {
			t.Fatalf("after %q: %v", killed, err)
		}
		killed = append(killed, what)
	}
	t.Fatalf("it never ends: %q", killed)
	return nil
}

// Killed after every single change of a grant, and of its revocation, and run again: complete, and back to what it was.
func TestGrantKilled(t *testing.T) {
	w := shared(t)
	g := w.newGate(t)
	for _, mechanism := range []string{"pod-identity", "irsa"} {
		for _, kind := range []string{"new", "adopted"} {
			t.Run(mechanism+" "+kind, func(t *testing.T) {
				namespace := w.namespace(t, "killed", nil)
				role := clusterName + "-" + namespace + "-web"
				more := []string{}
				if kind == "adopted" {
					role = "theirs-" + namespace
					w.makeRole(t, role, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"sts:AssumeRole"}}`)
					w.serviceAccount(t, namespace, "web", "")
					more = []string{"--role", role}
				}
				before := w.accountSnapshot(t, namespace)
				killed := g.untilWhole(t, w, append([]string{
					"grant", "--yes", "-n", namespace, "web", "--mechanism", mechanism, "--policy", "AmazonS3ReadOnlyAccess",
					"--policy-file", w.policyFile(t, "roles", readRoles),
				}, more...)...)
				t.Logf("killed after %q", killed)
				if len(killed) < 5 {
					t.Errorf("it was killed only after %q", killed)
				}
				w.createPod(t, namespace, newPod("web", "web"))
				w.wantCaller(t, namespace, "web", "main", role)
				if err := w.client.CoreV1().Pods(namespace).Delete(t.Context(), "web", deleteNow); err != nil {
					t.Fatal(err)
				}
				killed = g.untilWhole(t, w, "revoke", "--yes", "-n", namespace, "web")
				t.Logf("killed after %q", killed)
				if len(killed) < 5 {
					t.Errorf("it was killed only after %q", killed)
				}
				w.wantSnapshot(t, namespace, before)
			})
		}
	}
}

// Somebody who may not do all of it is told what was done, what was not, and how to go on or back.
func TestGrantDenied(t *testing.T) {
	w := shared(t)
	namespace := w.namespace(t, "denied", nil)
	before := w.accountSnapshot(t, namespace)
	user := "half-" + namespace
	key := w.user(t, user, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:PutRolePolicy","Resource":"*"}]}`)
	g := w.newGate(t)
	cmd := w.command(t.Context(), "podpass", "grant", "--yes", "-n", namespace, "web", "--mechanism", "irsa", "--policy-file", w.policyFile(t, "roles", readRoles))
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+g.account.URL, "AWS_REGION="+region, "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey)
	out, err := cmd.CombinedOutput()
	exit, failed := err.(*exec.ExitError)
	if !failed || exit.ExitCode() != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"done: create role arn:aws:iam::" + account + ":role/" + clusterName + "-" + namespace + "-web",
		"not done: create inline policy", "not done: create service account", "AccessDenied", "try: podpass revoke -n " + namespace + " web",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("nothing about %q in:\n%s", want, out)
		}
	}
	w.podpassRevoke(t, "-n", namespace, "web")
	w.wantSnapshot(t, namespace, before)
}
