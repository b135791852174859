package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server"
)

func run(t *testing.T, c server.Config) *server.Server {
	t.Helper()
	s, err := server.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func config(t *testing.T) server.Config {
	return server.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", HostedCluster: "local"}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

func TestPortsAndWhatTheyServe(t *testing.T) {
	s := run(t, config(t))
	for url, want := range map[string]struct {
		status int
		body   string
	}{
		s.AdminURL() + "/healthz":                                 {http.StatusOK, "ok"},
		s.AdminURL() + "/readyz":                                  {http.StatusOK, "ok"},
		s.URL() + "/oidc/local/.well-known/openid-configuration":  {http.StatusOK, `"issuer":"` + s.URL() + `/oidc/local"`},
		s.URL() + "/oidc/local/keys":                              {http.StatusOK, `"kid"`},
		s.URL() + "/oidc/none/keys":                               {http.StatusNotFound, ""},
		s.URL() + "/metrics":                                      {http.StatusNotFound, ""},
		s.URL() + "/podpass/v1/clusters":                          {http.StatusForbidden, "MissingAuthenticationToken"},
		s.URL() + "/?Action=GetCallerIdentity&Version=2011-06-15": {http.StatusForbidden, "<Code>MissingAuthenticationToken</Code>"},
		s.AdminURL() + "/metrics":                                 {http.StatusOK, "podpass_store_stale 0"},
	} {
		if status, body := get(t, url); status != want.status || !strings.Contains(body, want.body) {
			t.Errorf("%s: %d %s; want %d and %q", url, status, body, want.status, want.body)
		}
	}
	_, metrics := get(t, s.AdminURL()+"/metrics")
	if want := `podpass_requests_total{action="GetCallerIdentity",code="MissingAuthenticationToken",outcome="refused",service="sts"} 1`; !strings.Contains(metrics, want) {
		t.Errorf("metrics have no %s", want)
	}
}

// What callers make up must not become a label of its own, or anyone could fill the memory.
func TestUnknownActionsShareOneLabel(t *testing.T) {
	s := run(t, config(t))
	get(t, s.URL()+"/?Action=MadeUpByMe&Version=2011-06-15")
	get(t, s.URL()+"/podpass/v1/made/up/by/me")
	if _, metrics := get(t, s.AdminURL()+"/metrics"); strings.Contains(strings.ToLower(metrics), "madeup") || strings.Contains(metrics, "made/up") {
		t.Error("an action nobody offers is a label")
	}

	c := config(t)
	c.Audit = full{}
	s = run(t, c)
	get(t, s.URL()+"/?Action=MadeUpByMe&Version=2011-06-15")
	if _, metrics := get(t, s.AdminURL()+"/metrics"); strings.Contains(metrics, "MadeUp") || !strings.Contains(metrics, `code="ServiceUnavailable"`) {
		t.Error("an action nobody offers is a label while events can't be written")
	}
}

// full is a sink whose disk is.
type full struct{}

func (full) Record(audit.Event) error { return syscall.ENOSPC }

func TestStartMistakesAreReportedTogether(t *testing.T) {
	_, err := server.Config{
		Listen: "0.0.0.0:8600", Admin: "nonsense", Account: "12", Region: "Mars", TLSKey: "",
	}.Complete()
	for _, want := range []string{"plain HTTP", "admin address", "account", "region", "data directory"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no mention of %q in: %v", want, err)
		}
	}
	for _, c := range []server.Config{
		{DataDir: "d", Listen: "127.0.0.1:0"},
		{DataDir: "d", Listen: "[::1]:0"},
		{DataDir: "d", Listen: "0.0.0.0:0", AllowHTTP: true},
		{DataDir: "d", Listen: "0.0.0.0:0", TLSCert: "c", TLSKey: "k"},
		{EtcdEndpoints: []string{"https://etcd:2379"}, AuditFile: "a"},
	} {
		if _, err := c.Complete(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := (server.Config{DataDir: "d", TLSCert: "c"}).Complete(); err == nil {
		t.Error("a certificate without its key is accepted")
	}
}

func TestEtcdFilesAreChecked(t *testing.T) {
	for name, c := range map[string]server.Config{
		"a CA that isn't there":         {EtcdCA: filepath.Join(t.TempDir(), "none.crt")},
		"a certificate without its key": {EtcdCert: "client.crt"},
		"a key without its certificate": {EtcdKey: "client.key"},
	} {
		c.Listen, c.EtcdEndpoints, c.AuditFile = "127.0.0.1:0", []string{"https://127.0.0.1:1"}, filepath.Join(t.TempDir(), "audit.jsonl")
		if s, err := server.New(t.Context(), c); err == nil || !strings.HasPrefix(err.Error(), "etcd ") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// A port in use must not leave a new data directory behind.
func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := config(t)
	c.DataDir = filepath.Join(c.DataDir, "new")
	c.Listen = taken.Addr().String()
	if _, err := server.New(t.Context(), c); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("New = %v, want address in use", err)
	}
	if _, err := os.Stat(c.DataDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data directory was made: %v", err)
	}
}

func TestRestartKeepsTheIssuerAndTheAdministrator(t *testing.T) {
	c := config(t)
	keys := map[string]bool{}
	for start := range 2 {
		s, err := server.New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		cluster, ok := s.Store().Clusters.Get("local")
		if !ok {
			t.Fatal("no cluster local")
		}
		keys[cluster.Issuer.String()+" "+cluster.SigningKeys[0].ID] = true
		if made := s.Installed().Administrator != nil; made != (start == 0) {
			t.Errorf("start %d made an administrator: %v", start, made)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	if len(keys) != 1 {
		t.Errorf("issuer and key changed: %v", keys)
	}
}

// Every request is on record, those with a path no service has as well.
func TestUncleanPathsAreAudited(t *testing.T) {
	c := config(t)
	var log bytes.Buffer
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := run(t, c)
	for _, path := range []string{"//", "/x/../y", "/nothing/here", "/oidc"} {
		response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode < 400 {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	events, err := os.ReadFile(filepath.Join(c.DataDir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(events, []byte("\n")); n != 4 {
		t.Errorf("%d events, want 4:\n%s", n, events)
	}
}

// A connection that its client has opened and not used is no request to wait for in vain.
func TestEndsInSpiteOfAnUnusedConnection(t *testing.T) {
	t.Parallel()
	var unused net.Conn
	t.Cleanup(func() { unused.Close() })
	s := run(t, config(t)) // ends before the connection is closed, and without an error
	var err error
	if unused, err = net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://")); err != nil {
		t.Fatal(err)
	}
	get(t, s.URL()) // so the one before has been accepted
}
