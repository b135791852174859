package sts_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

// BenchmarkAssumeRoleWithWebIdentity is an exchange without the network; BenchmarkVerify is the part of it that no code of ours can
// make faster. Their difference is what an exchange costs beyond its signature.
func BenchmarkAssumeRoleWithWebIdentity(b *testing.B) {
	s := podpasstest.Start(b)
	s.AddRole(b, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}})
	bodies := make([]string, 64)
	for i := range bodies {
		bodies[i] = url.Values{
			"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {podpasstest.RoleARN("reader")},
			"RoleSessionName": {"botocore-session-1795318067"}, "WebIdentityToken": {s.Token(b, "shop", "web")},
		}.Encode()
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := httptest.NewRequest("POST", "/", strings.NewReader(bodies[i%len(bodies)]))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	s := podpasstest.Start(b)
	raw := s.Token(b, "shop", "web")
	jwks, err := token.JWKS(s.SigningKey(b))
	if err != nil {
		b.Fatal(err)
	}
	keys, err := token.ParseJWKS(jwks)
	if err != nil {
		b.Fatal(err)
	}
	parsed, err := token.Parse(raw)
	if err != nil {
		b.Fatal(err)
	}
	source, now := token.Static(keys), s.Clock.Now()
	b.ReportAllocs()
	for b.Loop() {
		if err := parsed.Verify(b.Context(), source, now); err != nil {
			b.Fatal(err)
		}
	}
}
