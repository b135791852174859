package agent_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
)

const clusterIssuer = "https://oidc.podpass.test/id/demo"

var (
	clusterKey = sync.OnceValue(newKey)
	foreignKey = sync.OnceValue(newKey)
)

func newKey() *token.SigningKey {
	key, err := token.NewSigningKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// cluster is where keys come from, and what of it is out of reach.
type cluster struct {
	mu   sync.Mutex
	down bool
	keys token.Source
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	jwks, err := token.JWKS(clusterKey())
	if err != nil {
		t.Fatal(err)
	}
	set, err := token.ParseJWKS(jwks)
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{keys: token.Static(set)}
}

func (c *cluster) setDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *cluster) Key(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error) {
	c.mu.Lock()
	down, keys := c.down, c.keys
	c.mu.Unlock()
	if down { // as a source that dials a black hole
		<-ctx.Done()
		return nil, &token.Error{Reason: token.KeysUnavailable, Detail: "no route to host"}
	}
	return keys.Key(ctx, kid, algorithm)
}

// pod is one that has tokens.
type pod struct{ namespace, account, name, uid string }

func podOf(n int) pod {
	return pod{"shop", "web", fmt.Sprintf("web-%d", n), fmt.Sprintf("00000000-0000-4000-8000-%012d", n)}
}

var web = podOf(1)

func (p pod) claims(now time.Time) token.Claims {
	return token.Claims{
		Issuer: clusterIssuer, Subject: "system:serviceaccount:" + p.namespace + ":" + p.account, Audience: []string{identity.PodIdentity},
		ID: uuid.NewString(), IssuedAt: now, Expiry: now.Add(24 * time.Hour),
		Kubernetes: token.Kubernetes{
			Namespace: p.namespace, ServiceAccount: p.account, ServiceAccountUID: "c8e2c3e9-c51b-419c-af11-0f69147b00d6", Pod: p.name, PodUID: p.uid,
			Node: "node1", NodeUID: "6aa12a65-09c4-45f7-a04a-3b8436cc21f0",
		},
	}
}

// token is a fresh one: no two are the same.
func (p pod) token(t testing.TB) string {
	t.Helper()
	return sign(t, clusterKey(), p.claims(time.Now()))
}

func sign(t testing.TB, key *token.SigningKey, c token.Claims) string {
	t.Helper()
	raw, err := key.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// fakeBackend obtains what a test says, and counts.
type fakeBackend struct {
	mu       sync.Mutex
	answer   func(ctx context.Context, r agent.Request) (*agent.Credentials, error)
	life     time.Duration
	calls    []time.Time
	pods     []string // names, by call
	inFlight int
	most     int
}

func (b *fakeBackend) Obtain(ctx context.Context, r agent.Request) (*agent.Credentials, error) {
	b.mu.Lock()
	b.calls, b.pods = append(b.calls, time.Now()), append(b.pods, r.Claims.Kubernetes.Pod)
	n, answer, life := len(b.calls), b.answer, b.life
	b.inFlight++
	b.most = max(b.most, b.inFlight)
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.inFlight--
		b.mu.Unlock()
	}()
	if answer != nil {
		if c, err := answer(ctx, r); c != nil || err != nil {
			return c, err
		}
	}
	return issue(n, time.Now().Add(life)), nil
}

func (b *fakeBackend) set(answer func(ctx context.Context, r agent.Request) (*agent.Credentials, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *fakeBackend) called() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.calls)
}

// since is when the calls after the first n were made, and for which pods.
func (b *fakeBackend) since(n int) (calls []time.Time, pods []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls[n:]), slices.Clone(b.pods[n:])
}

func (b *fakeBackend) mostInFlight() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most
}

// issue makes the nth call's credentials.
func issue(n int, expiration time.Time) *agent.Credentials {
	return &agent.Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%016d", n), SecretAccessKey: "SECRETKEY" + strings.Repeat("k", 31), SessionToken: "SESSIONTOKEN" + strings.Repeat("s", 1000),
		AccountID: "111122223333", Expiration: expiration, AssociationID: "a-0123456789abcdefg", Endpoint: "https://eks-auth.test",
	}
}

// after is a backend that takes its time.
func after(d time.Duration) func(context.Context, agent.Request) (*agent.Credentials, error) {
	return func(ctx context.Context, _ agent.Request) (*agent.Credentials, error) {
		select {
		case <-time.After(d):
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func failing(err error) func(context.Context, agent.Request) (*agent.Credentials, error) {
	return func(context.Context, agent.Request) (*agent.Credentials, error) { return nil, err }
}

// refusing is a backend that takes every token but one.
func refusing(raw string) func(context.Context, agent.Request) (*agent.Credentials, error) {
	return func(_ context.Context, r agent.Request) (*agent.Credentials, error) {
		if r.Token == raw {
			return nil, &agent.Error{Status: 400, Code: "InvalidTokenException", Message: "no"}
		}
		return nil, nil
	}
}

var (
	errOutage   = errors.New("connection refused")
	errNoRole   = &agent.Error{Status: 404, Code: "ResourceNotFoundException", Message: "No Association found.", Reason: "no association for shop/web", RequestID: "r-1"}
	errThrottle = &agent.Error{Status: 429, Code: "ThrottlingException", Message: "Slow down."}
)

// world is an agent with a fake of all that is around it.
type world struct {
	*agent.Agent
	t        testing.TB
	backend  *fakeBackend
	cluster  *cluster
	registry *prometheus.Registry
	log      *lockedBuffer
}

func start(t testing.TB, change ...func(*agent.Config)) *world {
	t.Helper()
	w := &world{t: t, backend: &fakeBackend{life: 6 * time.Hour}, cluster: newCluster(t), registry: prometheus.NewRegistry(), log: &lockedBuffer{}}
	cfg := agent.Config{
		Cluster: "demo", Backend: w.backend, Keys: w.cluster, Issuer: clusterIssuer, Audience: identity.PodIdentity,
		Hosts:  []string{"169.254.170.23", "fd00:ec2::23", "localhost"},
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Registerer: w.registry,
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if w.Agent, err = agent.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, secret := range []string{"eyJ", "SECRETKEY", "SESSIONTOKEN"} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log holds %s...", secret)
			}
		}
	})
	return w
}

func withoutKeys(c *agent.Config) { c.Keys = nil }

// running starts the renewals, which end with the test.
func (w *world) running() *world {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx)
	}()
	w.t.Cleanup(func() {
		stop()
		<-done
	})
	return w
}

// reply is what a pod sees.
type reply struct {
	status      int
	body        string
	header      http.Header
	credentials struct{ AccessKeyId, SecretAccessKey, Token, AccountId, Expiration string }
	took        time.Duration
}

func (r *reply) life(t testing.TB) time.Duration {
	t.Helper()
	at, err := time.Parse(time.RFC3339, r.credentials.Expiration)
	if err != nil {
		t.Fatal(err)
	}
	return time.Until(at)
}

func (w *world) fetch(raw string, change ...func(*http.Request)) *reply {
	r := httptest.NewRequest(http.MethodGet, "http://169.254.170.23/v1/credentials", nil)
	r.Header.Set("Authorization", raw)
	r.RemoteAddr = "10.0.0.1:4711"
	for _, f := range change {
		f(r)
	}
	rec := httptest.NewRecorder()
	began := time.Now()
	w.Handler().ServeHTTP(rec, r)
	out := &reply{status: rec.Code, body: rec.Body.String(), header: rec.Header(), took: time.Since(began)}
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &out.credentials); err != nil {
			w.t.Errorf("answer is not JSON: %v", err)
		}
	}
	return out
}

// mustFetch is a fetch that gets the credentials of the nth call.
func (w *world) mustFetch(raw string, n int) *reply {
	w.t.Helper()
	r := w.fetch(raw)
	if want := issue(n, time.Time{}).AccessKeyID; r.status != http.StatusOK || r.credentials.AccessKeyId != want {
		w.t.Fatalf("got %d %.200s; want %s", r.status, r.body, want)
	}
	return r
}

func (w *world) mustRefuse(raw string, status int, text string) {
	w.t.Helper()
	if r := w.fetch(raw); r.status != status || !strings.Contains(r.body, text) {
		w.t.Fatalf("got %d %.200s; want %d %s", r.status, r.body, status, text)
	}
}

func (w *world) mustHaveCalled(n int) {
	w.t.Helper()
	if got := w.backend.called(); got != n {
		w.t.Fatalf("backend was called %d times, want %d", got, n)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
