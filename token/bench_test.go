package token_test

import (
	"testing"

	"github.com/podpass/podpass/token"
)

func BenchmarkParse(b *testing.B) {
	raw := fixture(b, "default.pods.pod-bound.jwt")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := token.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	is := newIssuer(b)
	keys := keysOf(b, is.jwks)
	for _, algorithm := range []string{"RS256", "ES256"} {
		b.Run(algorithm, func(b *testing.B) {
			tok, err := token.Parse(is.sign(b, algorithm, is.kid(algorithm), goodClaims))
			if err != nil {
				b.Fatal(err)
			}
			now := tok.Claims.IssuedAt
			b.ReportAllocs()
			for b.Loop() {
				if err := tok.Verify(b.Context(), keys, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
