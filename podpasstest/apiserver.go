package podpasstest

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
)

// APIServer is a fake Kubernetes API server: it publishes the hosted cluster's keys, and reviews its tokens as it was told last.
type APIServer struct {
	mu     sync.Mutex
	status int
	review string
	asked  int
}

// Gone is the status of a TokenReview of a token whose pod was deleted.
const Gone = `{"error":"[invalid bearer token, service account token has been invalidated]"}`

// Authenticated is the status of a TokenReview that stands by a token of a service account.
func Authenticated(namespace, serviceAccount, audience string) string {
	return fmt.Sprintf(`{"authenticated":true,"user":{"username":"system:serviceaccount:%s:%s"},"audiences":[%q]}`, namespace, serviceAccount, audience)
}

// ReviewTokens makes the hosted cluster one whose keys and reviews come from an API server, which ends with the test.
func (s *Server) ReviewTokens(t testing.TB) *APIServer {
	t.Helper()
	hosted, _ := s.Store.Clusters.Get(Cluster)
	jwks, err := keys.HostedJWKS(hosted)
	if err != nil {
		t.Fatal(err)
	}
	a := &APIServer{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/openid/v1/jwks" {
			_, _ = w.Write(jwks)
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.asked++
		w.WriteHeader(a.status)
		fmt.Fprintf(w, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":%s}`, a.review)
	}))
	t.Cleanup(server.Close)
	kubeconfig, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c"}}},
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{
			"server": server.URL, "certificate-authority-data": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Store.Clusters.Update(t.Context(), Cluster, func(old *store.Cluster) (*store.Cluster, error) {
		c := *old
		c.Keys, c.SigningKeys, c.Kubeconfig, c.TokenReview = store.KeysAPIServer, nil, string(kubeconfig), true
		return &c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Answer sets what the next reviews get: an HTTP status, and the status of the TokenReview as JSON.
func (a *APIServer) Answer(status int, review string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status, a.review = status, review
}

// Asked counts the reviews so far.
func (a *APIServer) Asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}
