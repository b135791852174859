package eksauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

// BenchmarkAssumeRoleForPodIdentity is an exchange without the network, asked for by an agent with a role's session, as agents are.
// BenchmarkBareHandler is the least any such service does: it reads the body and verifies one signature.
func BenchmarkAssumeRoleForPodIdentity(b *testing.B) {
	s := podpasstest.Start(b)
	s.AddRole(b, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust([3]string{"StringEquals", "aws:RequestTag/kubernetes-namespace", "shop"})})
	s.AddAssociation(b, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	agent := agentOf(b, s)
	bodies := tokens(b, s)
	requests := make([]*http.Request, len(bodies))
	for i, body := range bodies {
		r := httptest.NewRequest(http.MethodPost, s.URL+"/clusters/local/assume-role-for-pod-identity", nil)
		r.Header.Set("Content-Type", "application/json")
		sum := sha256.Sum256([]byte(body))
		if err := v4.NewSigner().SignHTTP(context.Background(), agent, r, hex.EncodeToString(sum[:]), "eks-auth", podpasstest.Region, time.Now()); err != nil {
			b.Fatal(err)
		}
		requests[i] = r
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := *requests[i%len(requests)]
		r.Body = io.NopCloser(strings.NewReader(bodies[i%len(bodies)]))
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, &r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}

func BenchmarkBareHandler(b *testing.B) {
	s := podpasstest.Start(b)
	jwks, err := token.JWKS(s.SigningKey(b))
	if err != nil {
		b.Fatal(err)
	}
	keys, err := token.ParseJWKS(jwks)
	if err != nil {
		b.Fatal(err)
	}
	source, now := token.Static(keys), s.Clock.Now()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		raw := strings.TrimSuffix(strings.TrimPrefix(string(text), `{"token":"`), `"}`)
		parsed, err := token.Parse(raw)
		if err == nil {
			err = parsed.Verify(r.Context(), source, now)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	bodies := tokens(b, s)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(bodies[i%len(bodies)]))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}

func agentOf(b *testing.B, s *podpasstest.Server) aws.Credentials {
	b.Helper()
	s.AddRole(b, podpasstest.Role{Name: "agent", Trusts: []string{"podpass/agent"}, Allows: []string{"eks-auth:AssumeRoleForPodIdentity"}})
	out, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(podpasstest.RoleARN("agent")), RoleSessionName: aws.String("agent"), WebIdentityToken: aws.String(s.Token(b, "podpass", "agent")),
	})
	if err != nil {
		b.Fatal(err)
	}
	return podpasstest.Issued(out.Credentials)
}

func tokens(b *testing.B, s *podpasstest.Server) []string {
	b.Helper()
	bodies := make([]string, 64)
	for i := range bodies {
		bodies[i] = `{"token":"` + s.PodToken(b, "shop", "web") + `"}`
	}
	return bodies
}
