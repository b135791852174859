package token_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/podpass/podpass/token"
)

// issuer signs tokens of every algorithm, by another library than the one that verifies them.
type issuer struct {
	rsa  *rsa.PrivateKey
	ec   map[string]*ecdsa.PrivateKey // by algorithm
	jwks string
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	is := &issuer{ec: map[string]*ecdsa.PrivateKey{}}
	var err error
	if is.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: is.rsa.Public(), KeyID: "rsa", Use: "sig"}}}
	for algorithm, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		is.ec[algorithm] = key
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: algorithm, Use: "sig", Algorithm: algorithm})
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	is.jwks = string(b)
	return is
}

func (is *issuer) kid(algorithm string) string {
	if algorithm[0] == 'R' {
		return "rsa"
	}
	return algorithm
}

func (is *issuer) sign(t testing.TB, algorithm, kid, claims string) string {
	t.Helper()
	var key any = is.rsa
	if algorithm[0] == 'E' {
		key = is.ec[algorithm]
	}
	return signWith(t, algorithm, jose.JSONWebKey{Key: key, KeyID: kid}, claims)
}

func signWith(t testing.TB, algorithm string, key any, claims string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func verify(t testing.TB, raw string, keys token.Source, now time.Time) error {
	t.Helper()
	tok, err := token.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tok.Verify(t.Context(), keys, now)
}

var algorithms = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}

func TestVerifyEveryAlgorithm(t *testing.T) {
	is := newIssuer(t)
	keys := keysOf(t, is.jwks)
	for _, algorithm := range algorithms {
		raw := is.sign(t, algorithm, is.kid(algorithm), goodClaims)
		if err := verify(t, raw, keys, time.Unix(1500, 0)); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		header, rest, _ := strings.Cut(raw, ".")
		claims, _, _ := strings.Cut(rest, ".")
		other := is.sign(t, algorithm, is.kid(algorithm), strings.Replace(goodClaims, `"s"`, `"t"`, 1))
		forged := header + "." + claims + other[strings.LastIndexByte(other, '.'):]
		if err := verify(t, forged, keys, time.Unix(1500, 0)); err == nil || reasonOf(t, err) != token.BadSignature {
			t.Errorf("%s with the signature of another token: %v", algorithm, err)
		}
	}
}

// The key fixes the algorithm: a token cannot have an RSA key used as a curve's, or one hash where the issuer named another.
func TestVerifyKeyFixesAlgorithm(t *testing.T) {
	is := newIssuer(t)
	keys := keysOf(t, is.jwks)
	for _, signed := range algorithms {
		for _, named := range algorithms {
			if is.kid(signed) == is.kid(named) {
				continue
			}
			raw := is.sign(t, signed, is.kid(named), goodClaims)
			if err := verify(t, raw, keys, time.Unix(1500, 0)); err == nil || reasonOf(t, err) != token.UnknownKey {
				t.Errorf("%s under the kid of a key for %s: %v", signed, named, err)
			}
		}
	}
	only256 := keysOf(t, strings.Replace(is.jwks, `"kid":"rsa"`, `"kid":"rsa","alg":"RS256"`, 1))
	if err := verify(t, is.sign(t, "RS256", "rsa", goodClaims), only256, time.Unix(1500, 0)); err != nil {
		t.Errorf("RS256 by a key for RS256: %v", err)
	}
	if err := verify(t, is.sign(t, "RS384", "rsa", goodClaims), only256, time.Unix(1500, 0)); err == nil || reasonOf(t, err) != token.UnknownKey {
		t.Errorf("RS384 by a key for RS256: %v", err)
	}
	// A source of another package that hands out the wrong key, or none.
	for _, key := range []crypto.PublicKey{is.ec["ES256"].Public(), is.rsa, "a string", nil} {
		if err := verify(t, is.sign(t, "RS256", "rsa", goodClaims), oneKey{key}, time.Unix(1500, 0)); err == nil || reasonOf(t, err) != token.BadSignature {
			t.Errorf("source with a %T: %v", key, err)
		}
	}
}

type oneKey struct{ key crypto.PublicKey }

func (k oneKey) Key(context.Context, string, string) (crypto.PublicKey, error) { return k.key, nil }

type failing struct{ err error }

func (f failing) Key(context.Context, string, string) (crypto.PublicKey, error) { return nil, f.err }

func TestVerifyRefusals(t *testing.T) {
	is := newIssuer(t)
	stranger := newIssuer(t)
	keys := keysOf(t, is.jwks)
	now := time.Unix(1500, 0)

	spki, err := json.Marshal(jose.JSONWebKey{Key: is.rsa.Public()})
	if err != nil {
		t.Fatal(err)
	}
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"rsa"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(goodClaims))
	mac := hmac.New(sha256.New, spki)
	mac.Write([]byte(unsigned))

	withSignature := func(algorithm string, change func(sig []byte) []byte) string {
		raw := is.sign(t, algorithm, is.kid(algorithm), goodClaims)
		at := strings.LastIndexByte(raw, '.') + 1
		sig, err := base64.RawURLEncoding.DecodeString(raw[at:])
		if err != nil {
			t.Fatal(err)
		}
		return raw[:at] + base64.RawURLEncoding.EncodeToString(change(sig))
	}
	for _, c := range []struct {
		name, raw string
		keys      token.Source
		want      token.Reason
	}{
		{"another issuer's key under a known kid", stranger.sign(t, "RS256", "rsa", goodClaims), keys, token.BadSignature},
		{"unknown kid", is.sign(t, "RS256", "other", goodClaims), keys, token.UnknownKey},
		{"no kid, and one RSA key", is.sign(t, "RS256", "", goodClaims), keys, 0},
		{"HMAC with the public key, called RS256", unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), keys, token.BadSignature},
		{"no source", is.sign(t, "RS256", "rsa", goodClaims), nil, token.KeysUnavailable},
		{"source with another error", is.sign(t, "RS256", "rsa", goodClaims), failing{errors.New("boom")}, token.KeysUnavailable},
		{"source with a wrapped refusal", is.sign(t, "RS256", "rsa", goodClaims), failing{fmt.Errorf("x: %w", &token.Error{Reason: token.UnknownKey})}, token.UnknownKey},
		{"RSA signature with a byte more", withSignature("RS256", func(sig []byte) []byte { return append(sig, 0) }), keys, token.BadSignature},
		{"RSA signature with a zero in front", withSignature("RS256", func(sig []byte) []byte { return append([]byte{0}, sig...) }), keys, token.BadSignature},
		{"RSA signature with a byte less", withSignature("RS256", func(sig []byte) []byte { return sig[:255] }), keys, token.BadSignature},
		{"EC signature with a byte more", withSignature("ES256", func(sig []byte) []byte { return append(sig, 0) }), keys, token.BadSignature},
		{"EC signature of zeros", withSignature("ES256", func(sig []byte) []byte { return make([]byte, len(sig)) }), keys, token.BadSignature},
		{"EC signature in ASN.1", withSignature("ES256", func(sig []byte) []byte {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
			if err != nil {
				t.Fatal(err)
			}
			return der
		}), keys, token.BadSignature},
		{"P-521 signature of 2 x 64 bytes", withSignature("ES512", func(sig []byte) []byte { return sig[2:130] }), keys, token.BadSignature},
	} {
		err := verify(t, c.raw, c.keys, now)
		switch {
		case c.want == 0 && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != 0 && err == nil:
			t.Errorf("%s: accepted", c.name)
		case c.want != 0 && reasonOf(t, err) != c.want:
			t.Errorf("%s: %v, want %v", c.name, reasonOf(t, err), c.want)
		}
	}
}

func TestVerifyTimes(t *testing.T) {
	is := newIssuer(t)
	keys := keysOf(t, is.jwks)
	const early = `{"iss":"i","sub":"s","exp":2000,"iat":900,"nbf":1000}`
	const noNbf = `{"iss":"i","sub":"s","exp":2000,"iat":1000}`
	for _, c := range []struct {
		name, claims string
		now          time.Time
		want         token.Reason
		limit        int64
	}{
		{"in force", early, time.Unix(1500, 0), 0, 0},
		{"last instant of the leeway", early, time.Unix(2060, 0).Add(-1), 0, 0},
		{"leeway over", early, time.Unix(2060, 0), token.Expired, 2000},
		{"long expired", early, time.Unix(9999999, 0), token.Expired, 2000},
		{"first instant of the leeway", early, time.Unix(940, 0), 0, 0},
		{"before the leeway", early, time.Unix(940, 0).Add(-1), token.NotYetValid, 1000},
		{"iat is its own lower edge", noNbf, time.Unix(940, 0), 0, 0},
		{"issued in the future", noNbf, time.Unix(940, 0).Add(-1), token.NotYetValid, 1000},
		{"issued in the future, nbf in the past", `{"iss":"i","sub":"s","exp":2000,"iat":1000,"nbf":1}`, time.Unix(939, 0), token.NotYetValid, 1000},
		{"iat of any age", `{"iss":"i","sub":"s","exp":253402300799,"iat":0}`, time.Unix(1795318280, 0), 0, 0},
	} {
		err := verify(t, is.sign(t, "ES256", "ES256", c.claims), keys, c.now)
		if c.want == 0 {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var refused *token.Error
		if !errors.As(err, &refused) || refused.Reason != c.want || refused.Limit.Unix() != c.limit || !refused.Now.Equal(c.now) {
			t.Errorf("%s: %#v", c.name, err)
		}
	}
	forged := newIssuer(t).sign(t, "ES256", "ES256", early)
	if err := verify(t, forged, keys, time.Unix(9999999, 0)); err == nil || reasonOf(t, err) != token.BadSignature {
		t.Errorf("forged and expired: %v", err)
	}
}

func TestReasonsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for r := token.Malformed; r <= token.NotYetValid; r++ {
		if name := r.String(); seen[name] || strings.HasPrefix(name, "reason(") {
			t.Errorf("reason %d is called %q", int(r), name)
		} else {
			seen[name] = true
		}
	}
	if got := token.Reason(0).String(); got != "reason(0)" {
		t.Errorf("the zero reason is called %q", got)
	}
}
