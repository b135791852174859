package oidc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
)

// Prefix of a hosted issuer's path: the issuer of cluster c is BASE/oidc/c.
const Prefix = "/oidc/"

// Issuer is the issuer of a hosted cluster under the base URL of an installation.
func Issuer(base, cluster string) string { return strings.TrimSuffix(base, "/") + Prefix + cluster }

// maxAge is how long, in seconds, a verifier may keep either document. It must be well below PublicationDelay: a key that has begun to sign
// must have been seen by everyone. (kube-apiserver says 3600 and rotates by hand.)
const maxAge = 60

// discovery is the OpenID Connect provider metadata: the members AWS requires, in kube-apiserver's order.
//
// Source: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
type discovery struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
}

// Handler serves the documents of every hosted cluster, to anyone.
func Handler(s *store.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"{cluster}/.well-known/openid-configuration", serve(s, "application/json", func(c *store.Cluster) ([]byte, error) {
		return json.Marshal(discovery{
			Issuer: c.Issuer.String(), JWKSURI: c.Issuer.String() + "/keys",
			ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"}, Algorithms: []string{"RS256"},
		})
	}))
	mux.HandleFunc("GET "+Prefix+"{cluster}/keys", serve(s, "application/jwk-set+json", keys.HostedJWKS))
	return mux
}

func serve(s *store.Store, contentType string, document func(*store.Cluster) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.Check(); err != nil {
			http.Error(w, "temporarily unavailable", http.StatusServiceUnavailable)
			return
		}
		c, ok := s.Clusters.Get(r.PathValue("cluster"))
		if !ok || c.Keys != store.KeysHosted {
			http.NotFound(w, r)
			return
		}
		body, err := document(c)
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", maxAge))
		_, _ = w.Write(body) // a client that went away misses nothing of ours
	}
}
