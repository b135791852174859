package negative

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
)

// reviewed makes the hosted cluster one whose API server is asked about tokens, and stands by them as long as the answer is true.
func reviewed(t *testing.T, s *podpasstest.Server) *atomic.Bool {
	t.Helper()
	hosted, _ := s.Store.Clusters.Get(podpasstest.Cluster)
	jwks, err := keys.HostedJWKS(hosted)
	if err != nil {
		t.Fatal(err)
	}
	stands := &atomic.Bool{}
	stands.Store(true)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/openid/v1/jwks" {
			_, _ = w.Write(jwks)
			return
		}
		status := `{"error":"[invalid bearer token, service account token has been invalidated]"}`
		if stands.Load() {
			status = `{"authenticated":true,"user":{"username":"system:serviceaccount:shop:web"},"audiences":["pods.eks.amazonaws.com"]}`
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":%s}`, status)
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
	change(t, s, func(c *store.Cluster) {
		c.Keys, c.SigningKeys, c.Kubeconfig, c.TokenReview = store.KeysAPIServer, nil, string(kubeconfig), true
	})
	return stands
}
