package token

import (
	"context"
	"crypto"
	"io"
	"net/http"
	"time"
)

// Reason classifies why a token was refused; the zero value is not a reason.
type Reason int

const (
	_ Reason = iota
	Malformed
	UnsupportedAlgorithm
	UnknownKey
	KeysUnavailable
	BadSignature
	Expired
	NotYetValid
)

// Error is a refusal. Detail is for the audit event and never holds the token.
type Error struct {
	Reason     Reason
	Detail     string
	Now, Limit time.Time // for Expired and NotYetValid
}

func (e *Error) Error() string { return e.Detail }

// Claims are what the exchange uses of a token.
type Claims struct {
	Issuer                      string
	Subject                     string
	Audience                    []string
	Expiry, IssuedAt, NotBefore time.Time // NotBefore zero if absent
	ID                          string
	AMR                         []string
	AuthorizedParty             string
	Kubernetes                  Kubernetes
	// from the claims https://aws.amazon.com/tags and https://aws.amazon.com/source_identity
	Tags           []Tag
	TransitiveKeys []string
	SourceIdentity string
}
type Tag struct{ Key, Value string } // one value a key; more is Malformed

// Kubernetes is the kubernetes.io claim; empty strings where absent.
type Kubernetes struct {
	Namespace, ServiceAccount, ServiceAccountUID, Pod, PodUID, Node, NodeUID string
}

// MaxSize is the longest token read, as in STS's model.
const MaxSize = 20000

// Token is parsed and not yet verified.
type Token struct {
	Algorithm, KeyID string
	Claims           Claims
}

// Parse reads strictly (design section 7).
func Parse(raw string) (*Token, error) { panic("contract") }

// Hash is the hex SHA-256 of the raw token's text, what audit events carry instead of it.
func Hash(raw string) string { panic("contract") }

// Verify checks the signature with the source's key for the token's kid, then exp, nbf (iat has no age limit) with Leeway.
func (t *Token) Verify(ctx context.Context, keys Source, now time.Time) error { panic("contract") }

// Leeway on token times.
const Leeway = 60 * time.Second

// KeySet is a parsed JWKS.
type KeySet struct{}

// ParseJWKS: at most 1 MB; only RSA (>= 2048) and EC P-256/384/521 public keys, others skipped; private material, duplicate kids refused.
func ParseJWKS(b []byte) (*KeySet, error) { panic("contract") }

// Source finds a verification key.
type Source interface {
	// Key returns an *Error with UnknownKey or KeysUnavailable.
	Key(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error)
}

// Static is a pinned key set.
func Static(ks *KeySet) Source { panic("contract") }

// Fetch gets a key set from where it lives.
type Fetch func(ctx context.Context) (*KeySet, error)

// Refreshing keeps a fetched key set: refreshed after 60 s; an unknown kid refetches at most once per 10 s, callers join.
func Refreshing(fetch Fetch, now func() time.Time) Source { panic("contract") }

// Discover fetches ISSUER/.well-known/openid-configuration, compares issuer, then jwks_uri.
func Discover(client *http.Client, issuer string) Fetch { panic("contract") }

// APIServer fetches /openid/v1/jwks with a client already authenticated for the API server at base.
func APIServer(client *http.Client, base string) Fetch { panic("contract") }

// PublicClient is an HTTP client for discovery of issuers nobody vouched for: https only, no redirects, private, loopback and link-local
// addresses refused after resolution, 5 s, bodies over 1 MB refused.
func PublicClient() *http.Client { panic("contract") }

// SigningKey is a hosted cluster's issuer key (RSA-2048, RS256; kid as kube-apiserver derives it).
type SigningKey struct {
	ID      string
	Private crypto.Signer
}

func NewSigningKey(random io.Reader) (*SigningKey, error) { panic("contract") }
func (k *SigningKey) MarshalPEM() ([]byte, error)         { panic("contract") }
func ParseSigningKey(pem []byte) (*SigningKey, error)     { panic("contract") }

// JWKS is the public document for a set of keys.
func JWKS(keys ...*SigningKey) ([]byte, error) { panic("contract") }

// Sign issues a token with the whole claim set of kube-apiserver.
func (k *SigningKey) Sign(c Claims) (string, error) { panic("contract") }
