package token_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/token"
)

// The bytes of a real API server: its keys, its discovery document and two of its tokens.
const fixtures = "testdata/kube-apiserver-1.36"

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func keysOf(t testing.TB, jwks string) token.Source {
	t.Helper()
	set, err := token.ParseJWKS([]byte(jwks))
	if err != nil {
		t.Fatal(err)
	}
	return token.Static(set)
}

var fixtureClaims = map[string]token.Claims{
	"my-sa.sts.jwt": {
		Issuer: "https://oidc.podpass.test/id/demo", Subject: "system:serviceaccount:default:my-sa", Audience: []string{"sts.amazonaws.com"},
		Expiry: time.Unix(2110678280, 0).UTC(), IssuedAt: time.Unix(1795318280, 0).UTC(), NotBefore: time.Unix(1795318280, 0).UTC(),
		ID:         "1bd38ad8-33b5-4018-a6c9-81beaf84c89d",
		Kubernetes: token.Kubernetes{Namespace: "default", ServiceAccount: "my-sa", ServiceAccountUID: "1d73a72f-a6cf-48c9-8e58-20961e6abf9e"},
	},
	"default.pods.pod-bound.jwt": {
		Issuer: "https://oidc.podpass.test/id/demo", Subject: "system:serviceaccount:default:default", Audience: []string{"pods.eks.amazonaws.com"},
		Expiry: time.Unix(2110678280, 0).UTC(), IssuedAt: time.Unix(1795318280, 0).UTC(), NotBefore: time.Unix(1795318280, 0).UTC(),
		ID: "e52bd06a-763d-4f27-b03c-23583dc44ce4",
		Kubernetes: token.Kubernetes{
			Namespace: "default", ServiceAccount: "default", ServiceAccountUID: "c8e2c3e9-c51b-419c-af11-0f69147b00d6",
			Pod: "net", PodUID: "32b2260f-5a66-4e48-b430-605c245d7840", Node: "node1", NodeUID: "6aa12a65-09c4-45f7-a04a-3b8436cc21f0",
		},
	},
}

var fixtureNow = time.Unix(1795318280, 0)

func TestRealTokensVerify(t *testing.T) {
	keys := keysOf(t, fixture(t, "jwks.json"))
	for name, want := range fixtureClaims {
		tok, err := token.Parse(fixture(t, name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, tok.Claims); diff != "" {
			t.Errorf("%s: claims (-want +got):\n%s", name, diff)
		}
		if tok.Algorithm != "RS256" || tok.KeyID != "OYQZehAcbCibfKRyF5AYeU5pq0Kos3G1S3bV1iIgGU4" {
			t.Errorf("%s: algorithm %s, kid %s", name, tok.Algorithm, tok.KeyID)
		}
		if err := tok.Verify(t.Context(), keys, fixtureNow); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever byte of a token changes, and to whatever, the token is refused. The last character of each part is where lenient decoders
// take several for one.
func TestAnyChangedByteIsRefused(t *testing.T) {
	keys := keysOf(t, fixture(t, "jwks.json"))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for name := range fixtureClaims {
		raw := fixture(t, name)
		for i := range raw {
			replacements := ".=+/ \n\r\x00\x80" + string(alphabet[(strings.IndexByte(alphabet, raw[i])+1)%64])
			if last := i == len(raw)-1 || raw[i+1] == '.'; last {
				replacements += alphabet
			}
			for j := range len(replacements) {
				if replacements[j] == raw[i] {
					continue
				}
				changed := raw[:i] + string(replacements[j:j+1]) + raw[i+1:]
				if tok, err := token.Parse(changed); err == nil && tok.Verify(t.Context(), keys, fixtureNow) == nil {
					t.Fatalf("%s: byte %d changed from %q to %q: accepted", name, i, raw[i], replacements[j])
				}
			}
			for _, added := range []string{"\n", "\r\n", " ", "=", "A", "."} {
				changed := raw[:i] + added + raw[i:]
				if tok, err := token.Parse(changed); err == nil && tok.Verify(t.Context(), keys, fixtureNow) == nil {
					t.Fatalf("%s: %q inserted at byte %d: accepted", name, added, i)
				}
			}
			if tok, err := token.Parse(raw[:i] + raw[i+1:]); err == nil && tok.Verify(t.Context(), keys, fixtureNow) == nil {
				t.Fatalf("%s: byte %d removed: accepted", name, i)
			}
		}
		for _, added := range []string{"\n", " ", "=", "A", ".", ".A", "\x00"} {
			if tok, err := token.Parse(raw + added); err == nil && tok.Verify(t.Context(), keys, fixtureNow) == nil {
				t.Errorf("%s: %q appended: accepted", name, added)
			}
		}
	}
}

// An error goes to the audit event and from there to logs; no part of a token may travel with it.
func TestErrorsDoNotHoldTheToken(t *testing.T) {
	raw := fixture(t, "my-sa.sts.jwt")
	parts := strings.Split(raw, ".")
	for _, changed := range []string{raw + ".", raw[1:], parts[0] + "." + parts[1][1:] + "." + parts[2], raw + "!", strings.Repeat(raw, 30)} {
		_, err := token.Parse(changed)
		if err == nil {
			t.Fatal("accepted")
		}
		for _, part := range parts {
			if strings.Contains(err.Error(), part[:20]) {
				t.Errorf("error holds the token: %v", err)
			}
		}
	}
}
