package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/token"
)

func newSigningKey(t testing.TB) *token.SigningKey {
	t.Helper()
	key, err := token.NewSigningKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Signing the claims of a real API server's token yields its claims byte for byte, and the header of the same members.
func TestSignWritesWhatKubernetesWrites(t *testing.T) {
	key := newSigningKey(t)
	for name, claims := range fixtureClaims {
		claims.NotBefore = time.Time{} // as kube-apiserver: the time of issue
		raw, err := key.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		got, want := strings.Split(raw, "."), strings.Split(fixture(t, name), ".")
		if diff := cmp.Diff(text(t, want[1]), text(t, got[1])); diff != "" {
			t.Errorf("%s: claims (-want +got):\n%s", name, diff)
		}
		if got, want := text(t, got[0]), `{"alg":"RS256","kid":"`+key.ID+`"}`; got != want {
			t.Errorf("%s: header %s, want %s", name, got, want)
		}
	}
}

func text(t *testing.T, part string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A kid is derived as kube-apiserver derives it: the fixture's JWKS says what it made of its key.
func TestJWKSWritesWhatKubernetesWrites(t *testing.T) {
	keys := keysOf(t, fixture(t, "jwks.json"))
	const kid = "OYQZehAcbCibfKRyF5AYeU5pq0Kos3G1S3bV1iIgGU4"
	public, err := keys.Key(t.Context(), kid, "RS256")
	if err != nil {
		t.Fatal(err)
	}
	// JWKS asks of a key only its public half.
	doc, err := token.JWKS(&token.SigningKey{ID: kid, Private: &rsa.PrivateKey{PublicKey: *public.(*rsa.PublicKey)}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fixture(t, "jwks.json"), string(doc)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if doc, err = token.JWKS(); err != nil || string(doc) != `{"keys":[]}` {
		t.Errorf("no keys: %s, %v", doc, err)
	}
}

func TestSignAndVerify(t *testing.T) {
	key, other := newSigningKey(t), newSigningKey(t)
	doc, err := token.JWKS(other, key)
	if err != nil {
		t.Fatal(err)
	}
	claims := token.Claims{
		Issuer: "https://i.test", Subject: "system:serviceaccount:a:b", Audience: []string{"x", "y"}, ID: "j",
		Expiry: time.Unix(2000, 0).UTC(), IssuedAt: time.Unix(1000, 0).UTC(), NotBefore: time.Unix(990, 0).UTC(),
		AMR: []string{"m"}, AuthorizedParty: "p", SourceIdentity: "alice",
		Tags: []token.Tag{{Key: "Team", Value: "a<b>&"}, {Key: "Zone"}}, TransitiveKeys: []string{"Team"},
		Kubernetes: token.Kubernetes{Namespace: "a", ServiceAccount: "b", ServiceAccountUID: "u", Pod: "b-12345", PodUID: "v"},
	}
	raw, err := key.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := token.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(claims, tok.Claims); diff != "" {
		t.Errorf("claims (-signed +parsed):\n%s", diff)
	}
	if err := tok.Verify(t.Context(), keysOf(t, string(doc)), time.Unix(1500, 0)); err != nil {
		t.Error(err)
	}
	for name, broken := range map[string]func(*token.Claims){
		"issuer":   func(c *token.Claims) { c.Issuer = "" },
		"subject":  func(c *token.Claims) { c.Subject = "" },
		"audience": func(c *token.Claims) { c.Audience = nil },
		"id":       func(c *token.Claims) { c.ID = "" },
		"expiry":   func(c *token.Claims) { c.Expiry = time.Time{} },
		"issued":   func(c *token.Claims) { c.IssuedAt = time.Time{} },
	} {
		c := claims
		broken(&c)
		if _, err := key.Sign(c); err == nil {
			t.Errorf("without %s: signed", name)
		}
	}
}

func TestSigningKeyPEM(t *testing.T) {
	key := newSigningKey(t)
	text, err := key.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	got, err := token.ParseSigningKey(text)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != key.ID || !got.Private.(*rsa.PrivateKey).Equal(key.Private) {
		t.Error("another key came back")
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":         "",
		"not PEM":       "key",
		"another block": strings.ReplaceAll(string(text), "PRIVATE KEY", "RSA PRIVATE KEY"),
		"not PKCS#8":    string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})),
		"a curve's":     string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"two keys":      string(text) + string(text),
		"trailing data": string(text) + "x",
	} {
		if _, err := token.ParseSigningKey([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
