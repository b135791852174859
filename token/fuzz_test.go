package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/podpass/podpass/token"
)

func FuzzParse(f *testing.F) {
	for name := range fixtureClaims {
		f.Add(fixture(f, name))
	}
	f.Add(compact(goodHeader, goodClaims))
	f.Fuzz(checkParse)
}

// FuzzParseJSON reaches behind the base64 that FuzzParse seldom keeps whole.
func FuzzParseJSON(f *testing.F) {
	f.Add(goodHeader, goodClaims)
	f.Add(`{"alg":"ES256","typ":"JWT"}`, `{"\u0069ss":"\ud83d\ude00","sub":"s","aud":["a"],"exp":1,"iat":0,"x":[-1.5e+3,true,{"a":null}]}`)
	f.Add(goodHeader, `{"https://aws.amazon.com/tags":{"principal_tags":{"a":["b"]},"transitive_tag_keys":["a"]},`+goodClaims[1:])
	f.Add(goodHeader, `{"kubernetes.io":{"namespace":"n","pod":{"name":"p","uid":"u"},"serviceaccount":{"name":"s"}},"nbf":1,`+goodClaims[1:])
	f.Fuzz(func(t *testing.T, header, claims string) { checkParse(t, compact(header, claims)) })
}

// checkParse: what is accepted is canonical, and encoding/json, lenient as it is, reads the same in it.
func checkParse(t *testing.T, raw string) {
	tok, err := token.Parse(raw)
	if err != nil {
		if r := reasonOf(t, err); r != token.Malformed && r != token.UnsupportedAlgorithm {
			t.Fatalf("refused as %v", r)
		}
		return
	}
	if len(raw) > token.MaxSize {
		t.Fatalf("accepted %d bytes", len(raw))
	}
	var texts [3][]byte
	for i, part := range strings.Split(raw, ".") {
		if texts[i], err = base64.RawURLEncoding.DecodeString(part); err != nil || base64.RawURLEncoding.EncodeToString(texts[i]) != part {
			t.Fatalf("accepted a part that is not canonical: %q", part)
		}
	}
	var header, claims map[string]any
	for i, into := range []*map[string]any{&header, &claims} {
		decoder := json.NewDecoder(bytes.NewReader(texts[i]))
		decoder.UseNumber()
		if err := decoder.Decode(into); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v: %s", err, texts[i])
		}
	}
	if header["alg"] != tok.Algorithm {
		t.Fatalf("read algorithm %q of %s", tok.Algorithm, texts[0])
	}
	if claims["iss"] != tok.Claims.Issuer || claims["sub"] != tok.Claims.Subject {
		t.Fatalf("read iss %q, sub %q of %s", tok.Claims.Issuer, tok.Claims.Subject, texts[1])
	}
	if n, _ := claims["exp"].(json.Number).Int64(); n != tok.Claims.Expiry.Unix() {
		t.Fatalf("read exp %v of %s", tok.Claims.Expiry, texts[1])
	}
	if err := tok.Verify(t.Context(), oneKey{nil}, fixtureNow); err == nil {
		t.Fatal("verified with no key")
	}
}

func FuzzParseJWKS(f *testing.F) {
	f.Add(fixture(f, "jwks.json"))
	f.Add(set(rsaJWK(2048, "a", `,"use":"sig","alg":"RS256","key_ops":["verify"]`), rsaJWK(1024, "b", "")))
	f.Add(set(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`, `{"kty":"oct"}`))
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","x5c":["AAAA"]}]}`)
	f.Fuzz(func(t *testing.T, jwks string) {
		keys, err := token.ParseJWKS([]byte(jwks))
		if err != nil {
			return
		}
		for _, algorithm := range algorithms {
			if _, err := keys.Key(t.Context(), "", algorithm); err == nil && keys.Len() == 0 {
				t.Fatal("found a key in an empty set")
			}
		}
	})
}

func FuzzDiscovery(f *testing.F) {
	const iss = "https://oidc.podpass.test/id/demo"
	f.Add(fixture(f, "openid-configuration.json"))
	f.Add(`{"issuer":"` + iss + `","jwks_uri":"https://e.test/keys"}`)
	f.Add(`{"issuer":"` + iss + `","jwks_uri":"http://[::1]:80/%zz"}`)
	f.Fuzz(func(t *testing.T, doc string) {
		w := recording{web: web{iss + "/.well-known/openid-configuration": doc}}
		client := token.PublicClient()
		client.Transport = &w
		_, err := token.Discover(client, iss)(t.Context())
		if err == nil {
			t.Fatal("keys out of nowhere")
		}
		for _, url := range w.asked {
			if !strings.HasPrefix(url, "https://") {
				t.Fatalf("asked %q", url)
			}
		}
	})
}
