package control_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

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

// The owner of a cluster is told about policies of its own account. What a role of another account wants, and whether there is one, is that account's.
func TestRecentExchangesOfAnotherAccountsRole(t *testing.T) {
	s := podpasstest.Start(t)
	const member = "999988887777"
	s.AddAccount(t, member)
	owner := s.AddUser(t, member, "owner", podpasstest.Allow("*"))
	keys := string(must[[]byte](t)(token.JWKS(s.SigningKey(t))))
	register := func(c aws.Credentials, issuer string) {
		t.Helper()
		must[*api.RegisterClusterResult](t)(client(t, s, c).RegisterCluster(t.Context(), &api.RegisterClusterRequest{
			Name: "theirs", ClusterSpec: api.ClusterSpec{Issuer: issuer, Keys: api.ClusterKeys{JWKS: keys}},
		}))
	}
	register(owner, "https://theirs.example")
	s.AddRole(t, podpasstest.Role{Account: member, Name: "first", Trust: podpasstest.PodIdentityTrust(), Allows: []string{"sts:AssumeRole", "sts:TagSession"}})
	s.AddRole(t, podpasstest.Role{Name: "keeper"})
	s.AddRole(t, podpasstest.Role{Name: "vault", Trust: podpasstest.TrustAWS([]string{"arn:aws:iam::111122223333:role/keeper"})})
	web := api.ServiceAccountName{Cluster: "theirs", Namespace: "shop", Name: "web"}
	reasons := func(c aws.Credentials) (out []api.Exchange) {
		t.Helper()
		return must[*api.ExchangesResult](t)(client(t, s, c).RecentExchanges(t.Context(), web)).Exchanges
	}
	theirs := func(c *token.Claims) { c.Issuer = "https://theirs.example" }
	for _, target := range []string{podpasstest.RoleARN("vault"), podpasstest.RoleARN("missing")} {
		s.AddAssociation(t, podpasstest.Association{Cluster: "theirs", Namespace: "shop", ServiceAccount: "web", Role: "arn:aws:iam::" + member + ":role/first", Target: target})
		if _, err := s.PodIdentityOf(owner, "theirs", s.PodToken(t, "shop", "web", theirs)); err == nil {
			t.Fatal("a role that trusts nobody of the account was assumed")
		}
	}
	got := reasons(owner)
	if len(got) != 2 || got[0].Reason != got[1].Reason || got[0].Statement != got[1].Statement || strings.Contains(got[1].Reason, "keeper") ||
		!strings.Contains(got[0].Reason, "account 111122223333") {
		t.Errorf("the member account is told %+v", got)
	}
	if got := reasons(none); len(got) != 2 || !strings.Contains(got[0].Reason, "there is no role") || !strings.Contains(got[1].Reason, "keeper") {
		t.Errorf("the management account is told %+v", got)
	}
	// The next cluster of this name may be another account's.
	must[*api.Cluster](t)(client(t, s, owner).DeregisterCluster(t.Context(), "theirs"))
	s.Clock.Advance(time.Second)
	register(none, "https://ours.example")
	if got := reasons(none); len(got) != 0 {
		t.Errorf("a new cluster has the exchanges of the one before: %+v", got)
	}
}
