package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/podpass/podpass/token"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// rsaJWK is a JWK of the given modulus size, with further members; no private key to it exists.
func rsaJWK(bits int, kid, more string) string {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	n.SetBit(n, 0, 1)
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":"AQAB"%s}`, kid, b64(n.Bytes()), more)
}

func ecJWK(t *testing.T, curve elliptic.Curve, kid string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: kid})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func set(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func TestParseJWKSKeepsKeysThatVerify(t *testing.T) {
	for _, c := range []struct {
		name, jwks string
		want       int
	}{
		{"no keys", set(), 0},
		{"RSA", set(rsaJWK(2048, "a", "")), 1},
		{"RSA of 1024 bits", set(rsaJWK(1024, "a", "")), 0},
		{"RSA of 2047 bits", set(rsaJWK(2047, "a", "")), 0},
		{"RSA of 4096 bits", set(rsaJWK(4096, "a", "")), 1},
		{"RSA of 4104 bits", set(rsaJWK(4104, "a", "")), 0},
		{"curves", set(ecJWK(t, elliptic.P256(), "a"), ecJWK(t, elliptic.P384(), "b"), ecJWK(t, elliptic.P521(), "c")), 3},
		{"another curve", set(`{"kty":"EC","crv":"secp256k1","kid":"a","x":"AA","y":"AA"}`), 0},
		{"another type", set(`{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`), 0},
		{"a type of the future", set(`{"kty":"LATTICE","kid":"a"}`, rsaJWK(2048, "b", "")), 1},
		{"for signatures", set(rsaJWK(2048, "a", `,"use":"sig","alg":"RS512","key_ops":["sign","verify"]`)), 1},
		{"for encryption", set(rsaJWK(2048, "a", `,"use":"enc"`)), 0},
		{"for operations without verify", set(rsaJWK(2048, "a", `,"key_ops":["encrypt"]`)), 0},
		{"for an algorithm STS doesn't take", set(rsaJWK(2048, "a", `,"alg":"PS256"`)), 0},
		{"RSA for a curve's algorithm", set(rsaJWK(2048, "a", `,"alg":"ES256"`)), 0},
		{"one kid for a key to sign and one to encrypt", set(rsaJWK(2048, "a", ""), rsaJWK(2048, "a", `,"use":"enc"`)), 1},
		{"no kid", set(strings.Replace(rsaJWK(2048, "", ""), `"kid":"",`, "", 1), rsaJWK(2048, "", "")), 2},
		{"other members of the document", `{"x":[{}],` + set(rsaJWK(2048, "a", ""))[1:], 1},
	} {
		got, err := token.ParseJWKS([]byte(c.jwks))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got.Len() != c.want {
			t.Errorf("%s: %d keys, want %d", c.name, got.Len(), c.want)
		}
	}
}

func TestParseJWKSRefuses(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := json.Marshal(jose.JSONWebKey{Key: private, KeyID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 201 {
		many = append(many, rsaJWK(2048, fmt.Sprint(i), ""))
	}
	good := rsaJWK(2048, "a", "")
	for name, jwks := range map[string]string{
		"empty":                         "",
		"not JSON":                      "keys",
		"HTML":                          "<html></html>",
		"a list":                        "[" + good + "]",
		"no member keys":                `{"Keys":[` + good + `]}`,
		"keys is null":                  `{"keys":null}`,
		"keys twice":                    `{"keys":[` + good + `],"keys":[]}`,
		"keys holds a string":           set(`"a"`),
		"trailing data":                 set(good) + "{}",
		"a kid for two keys":            set(good, rsaJWK(2056, "a", "")),
		"a member twice":                set(strings.Replace(good, "{", `{"kid":"b",`, 1)),
		"private RSA key":               set(string(whole)),
		"private exponent alone":        set(rsaJWK(2048, "a", `,"d":"AQAB"`)),
		"private key of another type":   set(`{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}`),
		"symmetric key":                 set(`{"kty":"oct","k":"AAAA"}`),
		"modulus is not base64":         set(strings.Replace(good, `"n":"`, `"n":"*`, 1)),
		"modulus is missing":            set(`{"kty":"RSA","kid":"a","e":"AQAB"}`),
		"modulus is even":               set(strings.Replace(good, `AQ","e"`, `Ag","e"`, 1)),
		"exponent is one":               set(strings.Replace(good, "AQAB", "AQ", 1)),
		"exponent is even":              set(strings.Replace(good, "AQAB", "BA", 1)),
		"point is not on the curve":     set(`{"kty":"EC","crv":"P-256","kid":"a","x":"` + b64(make([]byte, 32)) + `","y":"` + b64(make([]byte, 32)) + `"}`),
		"kid is a number":               set(strings.Replace(good, `"a"`, `1`, 1)),
		"kid too long":                  set(rsaJWK(2048, strings.Repeat("k", 257), "")),
		"more keys than AWS would take": set(many...),
		"too large":                     set(good) + strings.Repeat(" ", 1<<20),
	} {
		if _, err := token.ParseJWKS([]byte(jwks)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestKeySetFindsKeys(t *testing.T) {
	keys := keysOf(t, set(
		rsaJWK(2048, "r", ""), rsaJWK(2056, "r256", `,"alg":"RS256"`), rsaJWK(2064, "", `,"alg":"RS512"`),
		ecJWK(t, elliptic.P256(), "e"), ecJWK(t, elliptic.P384(), ""),
	))
	for _, c := range []struct {
		kid, algorithm string
		found          bool
	}{
		{"r", "RS256", true},
		{"r", "RS512", true},
		{"r", "ES256", false},
		{"r", "none", false},
		{"r256", "RS256", true},
		{"r256", "RS384", false},
		{"e", "ES256", true},
		{"e", "ES384", false},
		{"R", "RS256", false},
		{"unknown", "RS256", false},
		{"", "RS256", false}, // two
		{"", "RS384", true},  // r alone
		{"", "RS512", false}, // r and the nameless one
		{"", "ES256", true},
		{"", "ES384", true},
		{"", "ES512", false},
	} {
		key, err := keys.Key(t.Context(), c.kid, c.algorithm)
		if c.found != (err == nil) || c.found != (key != nil) {
			t.Errorf("kid %q for %s: %T, %v", c.kid, c.algorithm, key, err)
		}
		if err != nil && reasonOf(t, err) != token.UnknownKey {
			t.Errorf("kid %q for %s: %v", c.kid, c.algorithm, err)
		}
	}
}
