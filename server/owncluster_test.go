package server_test

import (
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// apiServer is a fake one that says who its tokens' issuer is and which keys they are signed with, to a service account whose token is a file's.
type apiServer struct {
	issuer atomic.Value // string
	down   atomic.Bool
	config *rest.Config
	token  string // the file
}

func newAPIServer(t *testing.T, issuer string) *apiServer {
	t.Helper()
	key, err := token.NewSigningKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := token.JWKS(key)
	if err != nil {
		t.Fatal(err)
	}
	a := &apiServer{token: filepath.Join(t.TempDir(), "token")}
	a.issuer.Store(issuer)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"x"}`, a.issuer.Load())
	})
	mux.HandleFunc("GET /openid/v1/jwks", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jwks) })
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.down.Load() || r.Header.Get("Authorization") != "Bearer of-the-pod" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	if err := os.WriteFile(a.token, []byte("of-the-pod"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.config = &rest.Config{Host: s.URL, BearerTokenFile: a.token, TLSClientConfig: rest.TLSClientConfig{
		CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
	}}
	return a
}

func TestRegistersTheClusterItRunsIn(t *testing.T) {
	kubernetes := newAPIServer(t, "https://kubernetes.default.svc")
	c := config(t)
	c.Cluster, c.HostedCluster = kubernetes.config, ""
	s := run(t, c)
	register := func(name string, review bool) (api.Change, *store.Cluster, error) {
		return s.RegisterOwnCluster(t.Context(), name, review)
	}
	if is, err := s.OwnClusterIs(t.Context(), "prod", false); is || err != nil {
		t.Errorf("before it is registered: %v, %v", is, err)
	}
	change, cluster, err := register("prod", false)
	if err != nil || change != api.Created || cluster.Issuer.String() != "https://kubernetes.default.svc" || cluster.Keys != store.KeysInCluster {
		t.Fatalf("%v %+v %v", change, cluster, err)
	}
	for _, role := range []string{"podpass-agent-prod", "podpass-webhook-prod"} {
		found, ok := s.Store().Roles.Get(store.RoleKey("111122223333", role))
		if !ok || !strings.Contains(found.Trust, "system:serviceaccount:podpass-system:") || !strings.Contains(found.Trust, "oidc-provider/kubernetes.default.svc") {
			t.Errorf("role %s: %+v", role, found)
		}
	}
	provider := func(issuer string) bool {
		_, ok := s.Store().Providers.Get(store.ProviderKey("arn:aws:iam::111122223333:oidc-provider/" + issuer))
		return ok
	}
	if !provider("kubernetes.default.svc") {
		t.Error("no provider")
	}
	if change, _, err := register("prod", false); err != nil || change != api.Unchanged {
		t.Errorf("again: %v %v", change, err)
	}
	if is, err := s.OwnClusterIs(t.Context(), "prod", false); !is || err != nil {
		t.Errorf("once it is registered: %v, %v", is, err)
	}

	// The API server is given another issuer: the cluster is the same, and its roles trust what its tokens say now.
	kubernetes.issuer.Store("https://oidc.example/prod")
	if is, err := s.OwnClusterIs(t.Context(), "prod", false); is || err != nil {
		t.Errorf("when the issuer has changed: %v, %v", is, err)
	}
	change, cluster, err = register("prod", false)
	if err != nil || change != api.Updated || cluster.Issuer.String() != "https://oidc.example/prod" {
		t.Fatalf("%v %+v %v", change, cluster, err)
	}
	if role, _ := s.Store().Roles.Get(store.RoleKey("111122223333", "podpass-agent-prod")); !strings.Contains(role.Trust, "oidc.example/prod") {
		t.Errorf("the agent's role trusts %s", role.Trust)
	}
	if !provider("oidc.example/prod") || !provider("kubernetes.default.svc") {
		t.Error("a provider is missing")
	}

	if _, _, err := register("other", false); err == nil || !strings.Contains(err.Error(), "is that of another cluster") {
		t.Errorf("under a second name: %v", err)
	}
	if _, _, err := register("no good", false); err == nil || !strings.Contains(err.Error(), "no cluster's name") {
		t.Errorf("under no name: %v", err)
	}
	kubernetes.down.Store(true)
	if _, _, err := register("prod", false); err == nil || !strings.Contains(err.Error(), "issuer of the cluster's tokens") {
		t.Errorf("while the API server is down: %v", err)
	}
}

// What somebody registered under the name, in any other way, is left alone.
func TestTakesOverNoOtherCluster(t *testing.T) {
	kubernetes := newAPIServer(t, "https://kubernetes.default.svc")
	c := config(t)
	c.Cluster = kubernetes.config
	s := run(t, c)
	pinned := &store.Cluster{
		Name: "prod", Account: "111122223333", Partition: "aws", Region: "us-west-2", Issuer: identity.MustIssuer("https://kubernetes.default.svc"),
		Keys: store.KeysPinned, JWKS: `{"keys":[]}`,
	}
	if _, err := s.Store().Clusters.Update(t.Context(), "prod", func(*store.Cluster) (*store.Cluster, error) { return pinned, nil }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prod", "local"} {
		before, _ := s.Store().Clusters.Get(name)
		_, _, err := s.RegisterOwnCluster(t.Context(), name, false)
		if err == nil || !strings.Contains(err.Error(), "Cluster "+name+" is registered already") || !strings.Contains(err.Error(), "podpass cluster deregister "+name) {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := s.Store().Clusters.Get(name); after != before {
			t.Errorf("%s was changed: %+v", name, after)
		}
	}
}

// A server that runs in no cluster has no keys of one that was registered so: it must not take any for them.
func TestKeysOfAClusterThatOthersRunIn(t *testing.T) {
	c := config(t)
	s := run(t, c)
	if _, _, err := s.RegisterOwnCluster(t.Context(), "prod", false); err == nil {
		t.Error("registered a cluster it does not run in")
	}
	own := &store.Cluster{
		Name: "prod", Account: "111122223333", Partition: "aws", Region: "us-west-2", Issuer: identity.MustIssuer("https://kubernetes.default.svc"), Keys: store.KeysInCluster,
	}
	if _, err := s.Store().Clusters.Update(t.Context(), "prod", func(*store.Cluster) (*store.Cluster, error) { return own, nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Keys().Published(t.Context(), own); err == nil || !strings.Contains(err.Error(), "--register-cluster") {
		t.Error(err)
	}
}
