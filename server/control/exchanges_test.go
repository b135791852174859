package control_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

// Why a pod got no credentials is told to the owner of its cluster, with what was wanted and what was seen.
func TestRecentExchanges(t *testing.T) {
	s := podpasstest.Start(t)
	c := client(t, s, none)
	web := api.ServiceAccountName{Cluster: "local", Namespace: "shop", Name: "web"}
	if got := must[*api.ExchangesResult](t)(c.RecentExchanges(t.Context(), web)); len(got.Exchanges) != 0 {
		t.Errorf("before any: %+v", got)
	}
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/other"}})
	exchange := func(raw string) error {
		_, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(podpasstest.RoleARN("reader")), RoleSessionName: aws.String("web"), WebIdentityToken: aws.String(raw),
		})
		return err
	}
	if exchange(s.Token(t, "shop", "web")) == nil {
		t.Fatal("a role that trusts another service account was assumed")
	}
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}})
	if err := exchange(s.Token(t, "shop", "web")); err != nil {
		t.Fatal(err)
	}
	// Anyone can write claims: a token with a bad signature says nothing about a service account.
	forged := s.Token(t, "shop", "web")
	if exchange(forged[:len(forged)-8]+"AAAAAAAA") == nil {
		t.Fatal("a forged token was taken")
	}
	got := must[*api.ExchangesResult](t)(c.RecentExchanges(t.Context(), web)).Exchanges
	if len(got) != 2 {
		t.Fatalf("exchanges %+v", got)
	}
	if e := got[0]; e.Outcome != "allowed" || e.Role != podpasstest.RoleARN("reader") || e.Pod != "web-x7k2p" || e.RequestID == "" || e.Time.IsZero() {
		t.Errorf("the newest: %+v", e)
	}
	if e := got[1]; e.Outcome != "refused" || e.Code != "AccessDenied" || !strings.Contains(e.Reason, ":sub") || !strings.Contains(e.Reason, "system:serviceaccount:shop:web") {
		t.Errorf("the refusal: %+v", e)
	}
	user := client(t, s, limited(t, s, podpasstest.Allow("podpass:GetServiceAccount")))
	_, err := user.RecentExchanges(t.Context(), web)
	refused(t, err, api.CodeAccessDenied)
}

func TestClusterKeys(t *testing.T) {
	s := podpasstest.Start(t)
	c := client(t, s, none)
	signer := s.SigningKey(t)
	pinned := must[[]byte](t)(token.JWKS(signer))
	s.AddCluster(t, "pinned", "https://pinned.example", pinned)
	for _, name := range []string{"local", "pinned"} {
		got := must[*api.ClusterKeysResult](t)(c.GetClusterKeys(t.Context(), name))
		set := must[*token.KeySet](t)(token.ParseJWKS(got.JWKS))
		key, err := set.Key(t.Context(), signer.ID, "RS256")
		if err != nil || !cmp.Equal(signer.Private.Public(), key) {
			t.Errorf("%s: %v", name, err)
		}
		var document struct{ Keys []map[string]any }
		if err := json.Unmarshal(got.JWKS, &document); err != nil || len(document.Keys) != 1 || document.Keys[0]["d"] != nil || document.Keys[0]["use"] != "sig" {
			t.Errorf("%s: %s", name, got.JWKS)
		}
	}
	if got := must[*api.ClusterKeysResult](t)(c.GetClusterKeys(t.Context(), "pinned")); got.Issuer != "https://pinned.example" {
		t.Errorf("issuer %s", got.Issuer)
	}
	s.AddCluster(t, "broken", "https://broken.example", []byte("{"))
	_, err := c.GetClusterKeys(t.Context(), "broken")
	refused(t, err, api.CodeConflict)
}
