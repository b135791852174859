package negative

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
	"github.com/podpass/podpass/upstream"
)

// node is an agent in front of an authority.
type node struct {
	*agent.Agent
	t        testing.TB
	server   *podpasstest.Server
	log      *podpasstest.Logs
	registry *prometheus.Registry
}

// nodeAddress is where pods call a node's agent.
const nodeAddress = "169.254.170.23"

// newNode makes an agent that signs with the given credentials, and knows the cluster's keys unless a change takes them away.
func newNode(t testing.TB, s *podpasstest.Server, signing aws.Credentials, change ...func(*agent.Config)) *node {
	t.Helper()
	n := &node{t: t, server: s, log: &podpasstest.Logs{}, registry: prometheus.NewRegistry()}
	endpoints := upstream.NewEndpoints([]upstream.Endpoint{{URL: s.URL, Region: podpasstest.Region}}, upstream.Options{Now: s.Clock.Now})
	c := agent.Config{
		Cluster: podpasstest.Cluster, Hosts: []string{nodeAddress, "localhost"}, Audience: "pods.eks.amazonaws.com",
		Backend: agent.EKSAuth(upstream.NewEKSAuth(endpoints, podpasstest.As(signing), upstream.NewHTTPClient(nil)), podpasstest.Cluster),
		Keys:    publishedKeys(t, s),
		Now:     s.Clock.Now, Registerer: n.registry,
		Logger: slog.New(slog.NewJSONHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if n.Agent, err = agent.New(c); err != nil {
		t.Fatal(err)
	}
	return n
}

// leftToEKSAuth is an agent that has no keys, nor a mind of its own about audiences.
func leftToEKSAuth(c *agent.Config) { c.Keys, c.Audience = nil, "" }

// unreachableKeys are somewhere else, and the way there is broken.
func unreachableKeys(c *agent.Config) {
	c.Keys = token.Refreshing(func(context.Context) (*token.KeySet, error) { return nil, errors.New("no route to host") }, c.Now)
}

// client is of the authority's API, as an administrator.
func client(t testing.TB, s *podpasstest.Server) *api.Client {
	t.Helper()
	c, err := api.New(api.Config{Endpoint: s.URL, Region: podpasstest.Region, Credentials: podpasstest.As(s.Admin), Now: s.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// publishedKeys are the hosted cluster's, as a node's agent gets them from the server.
func publishedKeys(t testing.TB, s *podpasstest.Server) token.Source {
	server := client(t, s)
	return token.Refreshing(func(ctx context.Context) (*token.KeySet, error) {
		out, err := server.GetClusterKeys(ctx, podpasstest.Cluster)
		if err != nil {
			return nil, err
		}
		return token.ParseJWKS(out.JWKS)
	}, s.Clock.Now)
}

// running renews until the test ends.
func (n *node) running() *node {
	n.background(func(ctx context.Context) { _ = n.Run(ctx) })
	return n
}

// watching follows the associations until the test ends.
func (n *node) watching() *node {
	n.background(func(ctx context.Context) { _ = n.FollowAssociations(ctx, client(n.t, n.server)) })
	return n
}

func (n *node) background(run func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	n.t.Cleanup(func() {
		stop()
		<-ended
	})
}

// reply is what a pod gets of its agent.
type reply struct {
	status int
	body   string
	header http.Header
}

// fetch asks as a pod does, with any bytes at all for a token.
func (n *node) fetch(raw string, change ...func(*http.Request)) *reply {
	r := httptest.NewRequest(http.MethodGet, "http://"+nodeAddress+"/v1/credentials", nil)
	r.Header["Authorization"] = []string{raw}
	r.RemoteAddr = "10.0.0.1:4711"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	n.Handler().ServeHTTP(w, r)
	return &reply{w.Code, w.Body.String(), w.Result().Header}
}

// mustFetch is a fetch that gets credentials.
func (n *node) mustFetch(raw string, change ...func(*http.Request)) aws.Credentials {
	n.t.Helper()
	r := n.fetch(raw, change...)
	var c struct{ AccessKeyID, SecretAccessKey, Token string }
	if err := json.Unmarshal([]byte(r.body), &c); r.status != http.StatusOK || err != nil || c.AccessKeyID == "" {
		n.t.Fatalf("answered with %d %.300s", r.status, r.body)
	}
	return aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.Token}
}

// own are the beginnings of what the EKS agent says of itself.
var own = []string{
	"Service account token cannot be empty", "Service account token cannot be parsed: ", "Service account token failed basic claim validations: ",
	"Access Denied. ",
}

// mustRefuse checks all that a refusal must be: in the EKS agent's form, with a reason, without credentials or anything secret; and on record exactly
// if it is EKS Auth's, whose event it returns then.
func (n *node) mustRefuse(raw string, secrets []string, change ...func(*http.Request)) (*reply, *audit.Event) {
	n.t.Helper()
	before, logged := n.server.Audit.Len(), len(n.server.Logs.String())
	r := n.fetch(raw, change...)
	first, rest, _ := strings.Cut(r.body, "\n")
	reason := strings.TrimSuffix(rest, "\n")
	if r.status < 400 || r.status > 499 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
		n.t.Errorf("answered with %d %s", r.status, r.header.Get("Content-Type"))
	}
	if reason == "" || strings.Contains(reason, "\n") || r.header.Get("Podpass-Reason") != reason {
		n.t.Errorf("the reason is %q, and %q in the header", rest, r.header.Get("Podpass-Reason"))
	}
	events := n.exchanges(before)
	_, code, passed := strings.Cut(first, "]: (")
	if passed {
		code, _, _ = strings.Cut(code, ")")
		if len(events) != 1 || events[0].Code != code || events[0].Outcome != audit.Refused || !strings.HasPrefix(first, "["+events[0].RequestID+"]") {
			n.t.Fatalf("the answer is %q, on record are %+v", first, events)
		}
	} else if len(events) != 0 {
		n.t.Fatalf("the agent's own refusal %q is on record: %+v", first, events)
	} else if !hasPrefix(first, own) {
		n.t.Errorf("the EKS agent never says %q", first)
	}
	record, err := json.Marshal(events)
	if err != nil {
		n.t.Fatal(err)
	}
	var headers strings.Builder
	_ = r.header.Write(&headers)
	for where, text := range map[string]string{
		"body": r.body, "header": headers.String(), "agent's log": n.log.String(), "server's log": n.server.Logs.String()[logged:], "audit log": string(record),
	} {
		for _, secret := range append(secrets, secretsOf(raw)...) {
			if strings.Contains(text, secret) {
				n.t.Errorf("the %s holds a secret: %s", where, text)
			}
		}
		for _, member := range []string{"AccessKeyId\"", "SecretAccessKey", "\"Token\""} {
			if strings.Contains(text, member) {
				n.t.Errorf("the %s holds credentials: %s", where, text)
			}
		}
	}
	if !passed {
		return r, nil
	}
	return r, &events[0]
}

// exchanges are EKS Auth's events behind the first n.
func (n *node) exchanges(before int) (out []audit.Event) {
	for _, e := range n.server.Audit.Since(before) {
		if e.Service == "eks-auth" {
			out = append(out, e)
		}
	}
	return out
}

func hasPrefix(text string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// soon waits for something that takes a while, for as long as it may take.
func soon(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %v", what, within)
		}
	}
}
