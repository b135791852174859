package keys_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
	"github.com/podpass/podpass/token"
)

// apiServer speaks TokenReview as kube-apiserver does: it stands by the tokens it knows, as long as it does.
type apiServer struct {
	*httptest.Server

	mu     sync.Mutex
	users  map[string]string // by token
	asked  []string          // tokens reviewed
	status func(w http.ResponseWriter, raw string) bool
	wait   chan struct{} // answers wait for it, if there is one
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{users: map[string]string{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodPost || r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" {
		http.NotFound(w, r)
		return
	}
	if r.Header.Get("Authorization") != "Bearer secret" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"tokenreviews.authentication.k8s.io is forbidden: User \"u\" cannot create resource \"tokenreviews\"","reason":"Forbidden","code":403}`)
		return
	}
	var in struct {
		Kind, APIVersion string
		Spec             struct {
			Token     string
			Audiences []string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Kind != "TokenReview" || in.APIVersion != "authentication.k8s.io/v1" {
		http.Error(w, "not a TokenReview", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.asked = append(s.asked, in.Spec.Token)
	user, known := s.users[in.Spec.Token]
	own, wait := s.status, s.wait
	s.mu.Unlock()
	if wait != nil {
		<-wait
	}
	if own != nil && own(w, in.Spec.Token) {
		return
	}
	spec, _ := json.Marshal(in.Spec)
	status := `{"user":{},"error":"[invalid bearer token, service account token has been invalidated]"}`
	if known {
		audiences, _ := json.Marshal(in.Spec.Audiences)
		status = fmt.Sprintf(`{"authenticated":true,"user":{"username":%q,"uid":"8f0b","groups":["system:serviceaccounts","system:authenticated"],`+
			`"extra":{"authentication.kubernetes.io/pod-name":["web-1"]}},"audiences":%s}`, user, audiences)
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{"managedFields":[]},"spec":%s,"status":%s}`, spec, status)
}

func (s *apiServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *apiServer) reviewed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *apiServer) kubeconfig(bearer string) string {
	return kubeconfig(func(c map[string]any) {
		of(c, "clusters", "cluster")["server"] = s.URL
		of(c, "clusters", "cluster")["certificate-authority-data"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		of(c, "users", "user")["token"] = bearer
	})
}

func (s *apiServer) cluster() store.Cluster {
	return store.Cluster{
		Name: "kube", Issuer: identity.MustIssuer("https://kubernetes.default.svc"), Keys: store.KeysAPIServer, Kubeconfig: s.kubeconfig("secret"), TokenReview: true,
	}
}

const web = "system:serviceaccount:shop:web"

func claims() *token.Claims {
	return &token.Claims{Subject: web, Audience: []string{"sts.amazonaws.com"}}
}

// refusal is the reason and the detail of a token's refusal; 0 and "" where it is accepted.
func refusal(t *testing.T, err error) (token.Reason, string) {
	t.Helper()
	if err == nil {
		return 0, ""
	}
	var refused *token.Error
	if !errors.As(err, &refused) {
		t.Fatalf("%v is not a refusal of a token", err)
	}
	return refused.Reason, refused.Detail
}

func TestReviewEndsADeletedPodsToken(t *testing.T) {
	s, kube := storetest.Open(t), newAPIServer(t)
	at := now
	k := keys.New(keys.Config{Store: s, Now: func() time.Time { return at }})
	cluster := put(t, s, kube.cluster())
	review := func(what, raw string, want token.Reason, asked int) {
		t.Helper()
		got, detail := refusal(t, k.Review(t.Context(), cluster, raw, claims()))
		if got != want || kube.reviewed() != asked {
			t.Errorf("%s: %v (%s) after %d reviews, want %v after %d", what, got, detail, kube.reviewed(), want, asked)
		}
	}
	kube.users["a"], kube.users["b"] = web, web
	review("pod there", "a", 0, 1)
	review("asked just now", "a", 0, 1)
	review("another token", "b", 0, 2)
	review("a token never known", "c", token.Revoked, 3)
	review("refused just now", "c", token.Revoked, 3)

	kube.set(func() { delete(kube.users, "a") })
	at = at.Add(2999 * time.Millisecond)
	review("deleted, the answer still held", "a", 0, 3)
	at = at.Add(time.Millisecond)
	review("deleted", "a", token.Revoked, 4)
	review("the other pod", "b", 0, 5)
	kube.set(func() { kube.users["c"] = web })
	review("known since", "c", 0, 6)
	at = at.Add(-time.Minute)
	review("clock set back", "c", 0, 7)

	// A new record forgets nothing unless it changes whom to ask.
	changed := *cluster
	changed.AllowNoPod = true
	cluster = put(t, s, changed)
	review("another setting changed", "c", 0, 7)
	changed.Kubeconfig = kube.kubeconfig("wrong")
	cluster = put(t, s, changed)
	review("another kubeconfig", "c", token.ReviewUnavailable, 7)
}

func TestReviewIsAskedForOnlyWhereTheClusterSaysSo(t *testing.T) {
	s, kube := storetest.Open(t), newAPIServer(t)
	k := keys.New(keys.Config{Store: s, Now: clock})
	without := kube.cluster()
	without.TokenReview = false
	for name, c := range map[string]*store.Cluster{"no cluster": nil, "no review": put(t, s, without)} {
		if err := k.Review(t.Context(), c, "a", claims()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := kube.reviewed(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	pinned := put(t, s, store.Cluster{Name: "one", Issuer: identity.MustIssuer("https://i.test"), Keys: store.KeysPinned, JWKS: jwks(t, newKey(t)), TokenReview: true})
	if got, _ := refusal(t, k.Review(t.Context(), pinned, "a", claims())); got != token.ReviewUnavailable {
		t.Errorf("review without a kubeconfig: %v", got)
	}
}

// Whatever isn't a clear yes refuses, and what can be better next time says so. Nothing is remembered of a question that wasn't answered.
func TestReviewRefuses(t *testing.T) {
	const raw = "aGVhZA.Ym9keQ.c2ln"
	answer := func(code int, body string) func(http.ResponseWriter, string) bool {
		return func(w http.ResponseWriter, _ string) bool {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
			return true
		}
	}
	review := func(status string) func(http.ResponseWriter, string) bool {
		return answer(http.StatusCreated, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":`+status+`}`)
	}
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter, string) bool
		change func(*store.Cluster)
		want   token.Reason
		detail string
	}{
		"authenticated":    {answer: review(`{"authenticated":true,"user":{"username":"` + web + `"},"audiences":["sts.amazonaws.com"]}`)},
		"not":              {answer: review(`{"authenticated":false}`), want: token.Revoked, detail: "no longer accepts"},
		"no status":        {answer: review(`{}`), want: token.Revoked, detail: "no longer accepts"},
		"error":            {answer: review(`{"error":"token has been invalidated: ` + raw + `"}`), want: token.Revoked, detail: "invalidated: (token)"},
		"somebody else":    {answer: review(`{"authenticated":true,"user":{"username":"admin"},"audiences":["sts.amazonaws.com"]}`), want: token.Revoked, detail: `"admin"`},
		"no audience":      {answer: review(`{"authenticated":true,"user":{"username":"` + web + `"}}`), want: token.Revoked, detail: "audiences"},
		"another audience": {answer: review(`{"authenticated":true,"user":{"username":"` + web + `"},"audiences":["https://kubernetes.default.svc"]}`), want: token.Revoked, detail: "audiences"},
		"not JSON":         {answer: answer(http.StatusCreated, "<html>"), want: token.ReviewUnavailable},
		"another kind":     {answer: answer(http.StatusCreated, `{"kind":"Pod","apiVersion":"v1","status":{"authenticated":true}}`), want: token.Revoked},
		"empty":            {answer: answer(http.StatusCreated, ""), want: token.ReviewUnavailable},
		"failing": {answer: func(w http.ResponseWriter, raw string) bool {
			http.Error(w, "the proxy was sent "+raw, http.StatusInternalServerError)
			return true
		}, want: token.ReviewUnavailable, detail: "the proxy was sent (token)"},
		"endless": {answer: answer(http.StatusCreated, `{"kind":"`+strings.Repeat("x", 2<<20)), want: token.ReviewUnavailable, detail: "too large"},
		"redirected": {answer: func(w http.ResponseWriter, _ string) bool {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}, want: token.ReviewUnavailable, detail: "redirects"},
		"may not ask": {change: func(c *store.Cluster) { c.Kubeconfig = strings.ReplaceAll(c.Kubeconfig, `"secret"`, `"wrong"`) }, want: token.ReviewUnavailable, detail: "forbidden"},
		"stranger": {
			change: func(c *store.Cluster) {
				c.Kubeconfig = strings.ReplaceAll(c.Kubeconfig, "certificate-authority-data", "unknown")
			},
			want: token.ReviewUnavailable, detail: "certificate",
		},
		"unusable kubeconfig": {change: func(c *store.Cluster) { c.Kubeconfig = "{}" }, want: token.ReviewUnavailable, detail: "kubeconfig"},
	} {
		t.Run(name, func(t *testing.T) {
			s, kube := storetest.Open(t), newAPIServer(t)
			kube.status = tc.answer
			c := kube.cluster()
			if tc.change != nil {
				tc.change(&c)
			}
			k := keys.New(keys.Config{Store: s, Now: clock})
			cluster := put(t, s, c)
			err := k.Review(t.Context(), cluster, raw, claims())
			got, detail := refusal(t, err)
			if got != tc.want || !strings.Contains(detail, tc.detail) {
				t.Errorf("%v (%s), want %v (%s)", got, detail, tc.want, tc.detail)
			}
			if strings.Contains(detail, raw) {
				t.Errorf("the detail holds the token: %s", detail)
			}
			kube.set(func() { kube.status, kube.users[raw] = nil, web })
			if tc.change != nil {
				return
			}
			again := tc.want
			if again == token.ReviewUnavailable {
				again = 0
			}
			if got, detail := refusal(t, k.Review(t.Context(), cluster, raw, claims())); got != again {
				t.Errorf("asked again: %v (%s), want %v", got, detail, again)
			}
		})
	}

	s, kube := storetest.Open(t), newAPIServer(t)
	cluster := put(t, s, kube.cluster())
	kube.Close()
	if got, _ := refusal(t, keys.New(keys.Config{Store: s, Now: clock}).Review(t.Context(), cluster, raw, claims())); got != token.ReviewUnavailable {
		t.Errorf("API server down: %v", got)
	}
}

func TestConcurrentReviewsOfATokenAskOnce(t *testing.T) {
	s, kube := storetest.Open(t), newAPIServer(t)
	k := keys.New(keys.Config{Store: s, Now: clock})
	cluster := put(t, s, kube.cluster())
	kube.wait, kube.users["a"] = make(chan struct{}), web

	// The one that asks hangs up; those that joined it still get its answer.
	ctx, hangUp := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { first <- k.Review(ctx, cluster, "a", claims()) }()
	for kube.reviewed() == 0 {
		if t.Context().Err() != nil {
			t.Fatal("never asked")
		}
	}
	errs := make(chan error)
	for range 50 {
		go func() { errs <- k.Review(t.Context(), cluster, "a", claims()) }()
	}
	hangUp()
	if got, detail := refusal(t, <-first); got != token.ReviewUnavailable || !strings.Contains(detail, "caller left") {
		t.Errorf("the one that hung up: %v (%s)", got, detail)
	}
	close(kube.wait)
	for range 50 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"a"}, kube.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// However many tokens are reviewed, what is remembered is bounded, and forgetting costs a question, not an answer.
func TestReviewsHeldAreBounded(t *testing.T) {
	s, kube := storetest.Open(t), newAPIServer(t)
	at := now
	k := keys.New(keys.Config{Store: s, Now: func() time.Time { return at }})
	cluster := put(t, s, kube.cluster())
	kube.users["first"] = web
	for i := range 4097 {
		raw := "first"
		if i > 0 {
			raw = fmt.Sprint(i)
		}
		got, _ := refusal(t, k.Review(t.Context(), cluster, raw, claims()))
		if want := map[bool]token.Reason{true: 0, false: token.Revoked}[i == 0]; got != want {
			t.Fatalf("token %d: %v", i, got)
		}
	}
	if err := k.Review(t.Context(), cluster, "first", claims()); err != nil {
		t.Error(err)
	}
	if n := len(slices.DeleteFunc(kube.asked, func(raw string) bool { return raw != "first" })); n != 2 {
		t.Errorf("the first token was reviewed %d times, want twice: its answer is among those dropped", n)
	}
}

// Registering finds out whether reviews will work.
func TestCheckTriesAReview(t *testing.T) {
	s, kube := storetest.Open(t), newAPIServer(t)
	k := keys.New(keys.Config{Store: s, Now: clock})
	a := newKey(t)
	kube.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/openid/v1/jwks" {
			_, _ = io.WriteString(w, jwks(t, a))
			return
		}
		kube.serve(w, r)
	})
	c := kube.cluster()
	if err := k.Check(t.Context(), &c); err != nil || kube.reviewed() != 1 {
		t.Errorf("%v after %d reviews", err, kube.reviewed())
	}
	c.Kubeconfig = kube.kubeconfig("wrong")
	if err := k.Check(t.Context(), &c); err == nil || !strings.Contains(err.Error(), "system:auth-delegator") {
		t.Errorf("a user that may not review: %v", err)
	}
	c.TokenReview = false
	if err := k.Check(t.Context(), &c); err != nil {
		t.Errorf("a user that need not review: %v", err)
	}
	c = kube.cluster()
	kube.status = func(w http.ResponseWriter, _ string) bool {
		fmt.Fprint(w, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"authenticated":true,"user":{"username":"nobody"},"audiences":["sts.amazonaws.com"]}}`)
		return true
	}
	if err := k.Check(t.Context(), &c); err == nil || !strings.Contains(err.Error(), "anything") {
		t.Errorf("an API server that accepts anything: %v", err)
	}
}
