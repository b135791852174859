package podpasstest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
)

// TokenOption changes a token's claims before it is signed.
type TokenOption func(*token.Claims)

// Audience is whom a token is for, in place of sts.amazonaws.com.
func Audience(audience ...string) TokenOption {
	return func(c *token.Claims) { c.Audience = audience }
}

// Lifetime sets when a token expires, counted from its issue; negative is in the past.
func Lifetime(d time.Duration) TokenOption {
	return func(c *token.Claims) { c.Expiry = c.IssuedAt.Add(d) }
}

// Tags makes the issuer set session tags, with the keys of those that are transitive.
func Tags(tags []token.Tag, transitive ...string) TokenOption {
	return func(c *token.Claims) { c.Tags, c.TransitiveKeys = tags, transitive }
}

// SourceIdentity makes the issuer set a source identity.
func SourceIdentity(name string) TokenOption {
	return func(c *token.Claims) { c.SourceIdentity = name }
}

// Claims are those of a projected token of a pod of the hosted cluster: for sts.amazonaws.com, valid for an hour from now.
func (s *Server) Claims(namespace, serviceAccount string, options ...TokenOption) token.Claims {
	now := s.Clock.Now().UTC().Truncate(time.Second)
	c := token.Claims{
		Issuer:   s.Issuer,
		Subject:  identity.ServiceAccount{Namespace: namespace, Name: serviceAccount}.Subject(),
		Audience: []string{"sts.amazonaws.com"},
		IssuedAt: now, NotBefore: now, Expiry: now.Add(time.Hour),
		ID: uuid.NewString(),
		Kubernetes: token.Kubernetes{
			Namespace: namespace, ServiceAccount: serviceAccount, ServiceAccountUID: uuid.NewString(),
			Pod: serviceAccount + "-x7k2p", PodUID: uuid.NewString(),
		},
	}
	for _, option := range options {
		option(&c)
	}
	return c
}

// Token is a token of a pod of the hosted cluster, signed by its issuer. It is not written to the audit log, as one issued through
// the API would be.
func (s *Server) Token(t testing.TB, namespace, serviceAccount string, options ...TokenOption) string {
	t.Helper()
	raw, err := s.SigningKey(t).Sign(s.Claims(namespace, serviceAccount, options...))
	if err != nil {
		t.Fatalf("signing a token: %v", err)
	}
	return raw
}

// SigningKey is the one the hosted cluster's issuer signs with now.
func (s *Server) SigningKey(t testing.TB) *token.SigningKey {
	t.Helper()
	cluster, _ := s.Store.Clusters.Get(Cluster)
	for _, stored := range cluster.SigningKeys {
		if !stored.Active {
			continue
		}
		key, err := token.ParseSigningKey([]byte(stored.PEM))
		if err != nil {
			t.Fatalf("reading the issuer's key: %v", err)
		}
		return key
	}
	t.Fatalf("cluster %s has no active signing key", Cluster)
	return nil
}
