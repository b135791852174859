package token

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// SigningKey is a hosted cluster's issuer key (RSA-2048, RS256).
type SigningKey struct {
	ID      string // kid, as kube-apiserver derives it: base64url of the SHA-256 of the public key's PKIX DER
	Private crypto.Signer
}

// NewSigningKey makes a key, which takes a second at worst.
func NewSigningKey(random io.Reader) (*SigningKey, error) {
	private, err := rsa.GenerateKey(random, 2048)
	if err != nil {
		return nil, err
	}
	return newSigningKey(private)
}

func newSigningKey(private *rsa.PrivateKey) (*SigningKey, error) {
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &SigningKey{ID: base64.RawURLEncoding.EncodeToString(sum[:]), Private: private}, nil
}

// MarshalPEM is the private key as PKCS#8.
func (k *SigningKey) MarshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseSigningKey reads what MarshalPEM wrote: one PKCS#8 block with an RSA key of at least 2048 bits.
func ParseSigningKey(text []byte) (*SigningKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		return nil, errors.New("signing key is not one PEM block of type PRIVATE KEY")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < minRSA {
		return nil, fmt.Errorf("signing key is not an RSA key of at least %d bits", minRSA)
	}
	return newSigningKey(private)
}

// JWKS is the public document for a set of keys, byte for byte as kube-apiserver would write it.
func JWKS(keys ...*SigningKey) ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.ID, Algorithm: string(jose.RS256), Use: "sig"})
	}
	return json.Marshal(set)
}

// Sign issues a token with the whole claim set of kube-apiserver, in its order; Parse reads the same claims back. A zero NotBefore is
// IssuedAt, as it is there. The issuer, subject, audience, id and both times are required.
func (k *SigningKey) Sign(c Claims) (string, error) {
	if c.Issuer == "" || c.Subject == "" || len(c.Audience) == 0 || c.ID == "" || c.Expiry.IsZero() || c.IssuedAt.IsZero() {
		return "", errors.New("a token needs an issuer, a subject, an audience, an id, an expiry and a time of issue")
	}
	payload, err := json.Marshal(wireOf(c))
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: k.Private, KeyID: k.ID}}, nil)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// wireClaims are Claims as they stand in a token; the members are in the order of their names, as kube-apiserver's are.
type wireClaims struct {
	AMR             []string        `json:"amr,omitempty"`
	Audience        []string        `json:"aud"`
	AuthorizedParty string          `json:"azp,omitempty"`
	Expiry          int64           `json:"exp"`
	SourceIdentity  string          `json:"https://aws.amazon.com/source_identity,omitempty"`
	Tags            *wireTags       `json:"https://aws.amazon.com/tags,omitempty"`
	IssuedAt        int64           `json:"iat"`
	Issuer          string          `json:"iss"`
	ID              string          `json:"jti"`
	Kubernetes      *wireKubernetes `json:"kubernetes.io,omitempty"`
	NotBefore       int64           `json:"nbf"`
	Subject         string          `json:"sub"`
}

type wireTags struct {
	Principal  map[string][]string `json:"principal_tags"`
	Transitive []string            `json:"transitive_tag_keys,omitempty"`
}

type wireKubernetes struct {
	Namespace      string      `json:"namespace,omitempty"`
	Node           *wireObject `json:"node,omitempty"`
	Pod            *wireObject `json:"pod,omitempty"`
	ServiceAccount *wireObject `json:"serviceaccount,omitempty"`
}

type wireObject struct {
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
}

func wireOf(c Claims) wireClaims {
	w := wireClaims{
		AMR: c.AMR, Audience: c.Audience, AuthorizedParty: c.AuthorizedParty, SourceIdentity: c.SourceIdentity,
		Issuer: c.Issuer, ID: c.ID, Subject: c.Subject, Expiry: c.Expiry.Unix(), IssuedAt: c.IssuedAt.Unix(), NotBefore: orElse(c.NotBefore, c.IssuedAt).Unix(),
	}
	if k := c.Kubernetes; k != (Kubernetes{}) {
		w.Kubernetes = &wireKubernetes{k.Namespace, objectOf(k.Node, k.NodeUID), objectOf(k.Pod, k.PodUID), objectOf(k.ServiceAccount, k.ServiceAccountUID)}
	}
	if len(c.Tags)+len(c.TransitiveKeys) > 0 {
		w.Tags = &wireTags{Principal: map[string][]string{}, Transitive: c.TransitiveKeys}
		for _, tag := range c.Tags {
			w.Tags.Principal[tag.Key] = []string{tag.Value}
		}
	}
	return w
}

func objectOf(name, uid string) *wireObject {
	if name == "" {
		return nil
	}
	return &wireObject{name, uid}
}

func orElse(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}
