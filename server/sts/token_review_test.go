package sts_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
)

// reviewing is an API server that stands by tokens while answer says so.
type reviewing struct {
	mu     sync.Mutex
	status int
	answer string // status of the TokenReview
	asked  int
}

func (r *reviewing) set(status int, answer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.answer = status, answer
}

// start makes the hosted cluster one whose keys and reviews come from the API server.
func (r *reviewing) start(t *testing.T, s *podpasstest.Server) {
	t.Helper()
	hosted, _ := s.Store.Clusters.Get(podpasstest.Cluster)
	jwks, err := keys.HostedJWKS(hosted)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if req.URL.Path == "/openid/v1/jwks" {
			_, _ = w.Write(jwks)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asked++
		w.WriteHeader(r.status)
		fmt.Fprintf(w, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":%s}`, r.answer)
	}))
	t.Cleanup(server.Close)
	kubeconfig, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c"}}},
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{
			"server": server.URL, "certificate-authority-data": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Store.Clusters.Update(t.Context(), podpasstest.Cluster, func(old *store.Cluster) (*store.Cluster, error) {
		c := *old
		c.Keys, c.SigningKeys, c.Kubeconfig, c.TokenReview = store.KeysAPIServer, nil, string(kubeconfig), true
		return &c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokenReview(t *testing.T) {
	s := podpasstest.Start(t)
	s.Clock.Stop(time.Now())
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}})
	good, other, expired := s.Token(t, "shop", "web"), s.Token(t, "shop", "other"), s.Token(t, "shop", "web", podpasstest.Lifetime(-time.Hour))
	kube := &reviewing{}
	kube.start(t, s)

	const (
		yes  = `{"authenticated":true,"user":{"username":"system:serviceaccount:shop:web"},"audiences":["sts.amazonaws.com"]}`
		gone = `{"error":"[invalid bearer token, service account token has been invalidated]"}`
	)
	for _, step := range []struct {
		name   string
		role   string // default reader
		token  string
		status int
		answer string
		want   refusal
		reason string
		asked  int
	}{
		// Nothing is dialled for what is refused anyway.
		{name: "expired", token: expired, want: refusal{Code: "ExpiredTokenException"}},
		{name: "tampered with", token: good[:len(good)-8] + "AAAAAAAA", want: refusal{Code: "InvalidIdentityToken"}},
		{name: "not trusted", token: other, want: refusal{Code: "AccessDenied"}},
		{name: "no such role", role: "writer", token: good, want: refusal{Code: "AccessDenied"}},

		{name: "pod there", token: good, status: 201, answer: yes, asked: 1},
		{
			name: "pod gone", token: good, status: 201, answer: gone, asked: 2,
			want: invalidToken("The web identity token is no longer accepted by the cluster that issued it."), reason: "service account token has been invalidated",
		},
		{
			name: "API server failing", token: good, status: 500, answer: yes, asked: 3,
			want:   refusal{"IDPCommunicationError", 400, "The identity provider that was asked to verify the token could not be reached."},
			reason: "token review by cluster local",
		},
		{name: "back again", token: good, status: 201, answer: yes, asked: 4},
	} {
		s.Clock.Advance(10 * time.Second) // past the answers held
		kube.set(step.status, step.answer)
		role := step.role
		if role == "" {
			role = "reader"
		}
		before := s.Audit.Len()
		_, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(podpasstest.RoleARN(role)), RoleSessionName: aws.String("web-1"), WebIdentityToken: &step.token,
		})
		got := refusalOf(t, err)
		if step.want.Message == "" {
			got = refusal{Code: got.Code}
		}
		diff(t, step.name, step.want, got)
		if err != nil {
			refusedEvent(t, s.Audit.Since(before), got.Code, step.reason, step.token)
		}
		if kube.asked != step.asked {
			t.Errorf("%s: the API server was asked %d times, want %d", step.name, kube.asked, step.asked)
		}
	}
}
