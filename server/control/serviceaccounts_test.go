package control_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/token"
)

func webOf(cluster string) api.ServiceAccountName {
	return api.ServiceAccountName{Cluster: cluster, Namespace: "shop", Name: "web"}
}

func TestCreateToken(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	n := s.Audit.Len()
	got := must[*api.CreateTokenResult](t)(admin.CreateToken(ctx, &api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "sts.amazonaws.com"}))
	parsed := must[*token.Token](t)(token.Parse(got.Token))
	want := token.Claims{
		Issuer: s.Issuer, Subject: "system:serviceaccount:shop:web", Audience: []string{"sts.amazonaws.com"}, ID: parsed.Claims.ID,
		Expiry: parsed.Claims.IssuedAt.Add(time.Hour), IssuedAt: parsed.Claims.IssuedAt, NotBefore: parsed.Claims.IssuedAt,
		Kubernetes: token.Kubernetes{
			Namespace: "shop", ServiceAccount: "web", ServiceAccountUID: got.UID, Pod: got.PodName, PodUID: got.PodUID,
		},
	}
	if diff := cmp.Diff(want, parsed.Claims); diff != "" {
		t.Error(diff)
	}
	if !regexp.MustCompile(`^web-[a-z0-9]{5}$`).MatchString(got.PodName) || parsed.Claims.ID == "" || !got.Expiration.Equal(parsed.Claims.Expiry) {
		t.Errorf("%+v", got)
	}
	e := event(t, s, n)
	if e.TokenHash != token.Hash(got.Token) || e.Pod != got.PodName || e.PodUID != got.PodUID || e.Namespace != "shop" || e.ServiceAccount != "web" ||
		e.Subject != want.Subject || e.Issuer != s.Issuer || e.Cluster != "local" {
		t.Errorf("event %+v", e)
	}
	if strings.Contains(recorded(t, s)+s.Logs.String(), got.Token) {
		t.Error("the token is on record")
	}

	// An account that was never applied has the same uid every time; each pod has its own.
	again := must[*api.CreateTokenResult](t)(admin.CreateToken(ctx, &api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "a"}))
	if again.UID != got.UID || again.PodUID == got.PodUID {
		t.Errorf("uids %s and %s, pods %s and %s", got.UID, again.UID, got.PodUID, again.PodUID)
	}
	must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: documents(t, "serviceaccount.yaml")}))
	named := must[*api.CreateTokenResult](t)(admin.CreateToken(ctx, &api.CreateTokenRequest{
		ServiceAccountName: webOf("local"), Audience: "a", DurationSeconds: 600, PodName: "web-0", PodUID: "uid-0",
	}))
	shown := must[*api.ServiceAccount](t)(admin.GetServiceAccount(ctx, webOf("local")))
	if named.PodName != "web-0" || named.PodUID != "uid-0" || named.UID != shown.UID || named.UID == got.UID {
		t.Errorf("%+v; the account's uid is %s", named, shown.UID)
	}
}

func TestCreateTokenRefuses(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	keys, _ := jwks(t)
	must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "c1", ClusterSpec: api.ClusterSpec{Issuer: "https://x", Keys: api.ClusterKeys{JWKS: keys}}}))
	for what, c := range map[string]struct {
		code string
		in   api.CreateTokenRequest
	}{
		"no audience":       {api.CodeValidation, api.CreateTokenRequest{ServiceAccountName: webOf("local")}},
		"long audience":     {api.CodeValidation, api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: strings.Repeat("a", 256)}},
		"short":             {api.CodeValidation, api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "a", DurationSeconds: 599}},
		"long":              {api.CodeValidation, api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "a", DurationSeconds: 86401}},
		"odd pod":           {api.CodeValidation, api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "a", PodName: "a b"}},
		"not hosted":        {api.CodeValidation, api.CreateTokenRequest{ServiceAccountName: webOf("c1"), Audience: "a"}},
		"unknown cluster":   {api.CodeNotFound, api.CreateTokenRequest{ServiceAccountName: webOf("c2"), Audience: "a"}},
		"invalid namespace": {api.CodeValidation, api.CreateTokenRequest{ServiceAccountName: api.ServiceAccountName{Cluster: "local", Namespace: "a/b", Name: "web"}, Audience: "a"}},
		"invalid name":      {api.CodeValidation, api.CreateTokenRequest{ServiceAccountName: api.ServiceAccountName{Cluster: "local", Namespace: "a", Name: "web:x"}, Audience: "a"}},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := admin.CreateToken(ctx, &c.in)
			refused(t, err, c.code)
		})
	}
}

func TestTokensAreOffUnlessAllowed(t *testing.T) {
	s := podpasstest.Start(t, func(c *server.Config) { c.AllowTokens = false })
	_, err := client(t, s, none).CreateToken(context.Background(), &api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "a"})
	if message := refused(t, err, api.CodeAccessDenied); !strings.Contains(message, "--allow-tokens") {
		t.Errorf("%q", message)
	}
}

// TestOneServiceAccountsTokens: a policy on one service account's ARN admits tokens of that account only.
func TestOneServiceAccountsTokens(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	user := client(t, s, limited(t, s, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"podpass:CreateToken",
		"Resource":"arn:aws:podpass:us-west-2:111122223333:serviceaccount/local/shop/*"}}`))
	must[*api.CreateTokenResult](t)(user.CreateToken(ctx, &api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "a"}))
	_, err := user.CreateToken(ctx, &api.CreateTokenRequest{
		ServiceAccountName: api.ServiceAccountName{Cluster: "local", Namespace: "kube-system", Name: "web"}, Audience: "a",
	})
	refused(t, err, api.CodeAccessDenied)
}

func TestGetServiceAccount(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	want := &api.ServiceAccount{
		Cluster: "local", ClusterARN: "arn:aws:eks:us-west-2:111122223333:cluster/local", Account: "111122223333", Region: "us-west-2",
		Namespace: "shop", Name: "web", Hosted: true,
	}
	got := must[*api.ServiceAccount](t)(admin.GetServiceAccount(ctx, webOf("local")))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: documents(t, "shop.yaml")}))
	got = must[*api.ServiceAccount](t)(admin.GetServiceAccount(ctx, webOf("local")))
	want.Exists, want.UID, want.Mechanism, want.Role = true, got.UID, api.IRSA, "arn:aws:iam::111122223333:role/reader"
	want.Annotations = map[string]string{api.RoleARNAnnotation: want.Role}
	if diff := cmp.Diff(want, got); diff != "" || got.UID == "" {
		t.Error(diff)
	}
	must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: documents(t, "association.yaml")}))
	got = must[*api.ServiceAccount](t)(admin.GetServiceAccount(ctx, webOf("local")))
	if got.Mechanism != api.PodIdentity || got.Role != "arn:aws:iam::111122223333:role/team/worker" || got.Association == nil ||
		!regexp.MustCompile(`^arn:aws:eks:us-west-2:111122223333:podidentityassociation/local/a-[a-z0-9]{17}$`).MatchString(got.Association.ARN) {
		t.Errorf("%+v %+v", got, got.Association)
	}
}

// TestRolesForAgreesWithSTS: the roles named are exactly those an exchange succeeds for.
func TestRolesForAgreesWithSTS(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	s.AddRole(t, podpasstest.Role{Name: "mine", Trusts: []string{"shop/web"}})
	s.AddRole(t, podpasstest.Role{Name: "shared", Path: "/team/", Trusts: []string{"shop/api", "shop/web"}})
	s.AddRole(t, podpasstest.Role{Name: "other", Trusts: []string{"shop/api"}})
	s.AddRole(t, podpasstest.Role{Name: "users", Trust: podpasstest.TrustAWS([]string{"*"})})
	s.AddRole(t, podpasstest.Role{Name: "denied", Trust: strings.Replace(s.Trust("shop/web"), `"Statement":[`,
		`"Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:*"},`, 1)})
	s.AddRole(t, podpasstest.Role{Name: "anyone", Trust: strings.Replace(s.Trust("shop/web"), ":web", ":*", 1)}) // StringEquals takes * literally

	got := must[*api.RolesResult](t)(admin.RolesFor(ctx, webOf("local")))
	want := []string{"arn:aws:iam::111122223333:role/mine", "arn:aws:iam::111122223333:role/team/shared"}
	if diff := cmp.Diff(want, got.Roles); diff != "" || got.Truncated {
		t.Error(diff)
	}
	issued := must[*api.CreateTokenResult](t)(admin.CreateToken(ctx, &api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "sts.amazonaws.com"}))
	var exchanged []string
	for _, name := range []string{"mine", "team/shared", "other", "users", "denied", "anyone"} {
		arn := podpasstest.RoleARN(name)
		_, err := s.STS(none).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: &arn, RoleSessionName: aws.String("web"), WebIdentityToken: &issued.Token,
		})
		if err == nil {
			exchanged = append(exchanged, arn)
		}
	}
	if diff := cmp.Diff(got.Roles, exchanged); diff != "" {
		t.Errorf("named and exchanged: %s", diff)
	}
}

func TestUnreachableServerIsSaidToBe(t *testing.T) {
	c := must[*api.Client](t)(api.New(api.Config{Endpoint: "http://127.0.0.1:1", Region: "us-west-2", Credentials: podpasstest.As(aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"})}))
	_, err := c.ListClusters(context.Background())
	var refusal *api.Error
	if err == nil || errors.As(err, &refusal) || !strings.Contains(err.Error(), "podpass up") {
		t.Errorf("got %v", err)
	}
}
