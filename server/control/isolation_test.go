package control_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/uuid"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

// An account that registers a cluster says which keys its issuer has. If another account trusts that issuer already, those keys must not open
// its roles.
func TestRegisteringAnothersIssuer(t *testing.T) {
	const issuer, subject = "https://ci.example", "repo:shop/web:main"
	s := podpasstest.Start(t)
	_, err := s.IAM(aws.Credentials{}).CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String(issuer), ClientIDList: []string{"sts.amazonaws.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::ACCOUNT:oidc-provider/ci.example"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"ci.example:sub":"` + subject + `"}}}}`
	tenant := must[*api.CreateAccountResult](t)(client(t, s, aws.Credentials{}).CreateAccount(t.Context(), &api.CreateAccountRequest{Name: "tenant", ID: "444455556666"}))
	s.AddRole(t, podpasstest.Role{Name: "deploy", Trust: strings.Replace(trust, "ACCOUNT", string(podpasstest.Account), 1)})
	s.AddRole(t, podpasstest.Role{Account: "444455556666", Name: "deploy", Trust: strings.Replace(trust, "ACCOUNT", "444455556666", 1)})

	forged := must[*token.SigningKey](t)(token.NewSigningKey(rand.Reader))
	spec := api.ClusterSpec{Issuer: issuer, Keys: api.ClusterKeys{JWKS: string(must[[]byte](t)(token.JWKS(forged)))}}
	register := func(as aws.Credentials) {
		t.Helper()
		if _, err := client(t, s, as).RegisterCluster(t.Context(), &api.RegisterClusterRequest{Name: "ci", ClusterSpec: spec}); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().Truncate(time.Second)
	raw := must[string](t)(forged.Sign(token.Claims{
		Issuer: issuer, Subject: subject, Audience: []string{"sts.amazonaws.com"}, ID: uuid.NewString(), IssuedAt: now, Expiry: now.Add(time.Hour),
	}))
	exchange := func(account string) error {
		_, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::" + account + ":role/deploy"), RoleSessionName: aws.String("web"), WebIdentityToken: aws.String(raw),
		})
		return err
	}

	register(key(tenant.Administrator))
	if err := exchange("444455556666"); err != nil {
		t.Errorf("in the account that registered the cluster: %v", err)
	}
	if err := exchange(string(podpasstest.Account)); err == nil || !strings.Contains(err.Error(), "InvalidIdentityToken: Couldn't retrieve verification key") {
		t.Errorf("in another account: %v", err)
	}
	if reason := s.Audit.Last(t).Reason; !strings.Contains(reason, "registered by account 444455556666") {
		t.Errorf("the event says %q", reason)
	}

	// The management account's word counts everywhere.
	if _, err := client(t, s, aws.Credentials{}).DeregisterCluster(t.Context(), "ci"); err != nil {
		t.Fatal(err)
	}
	s.AddProvider(t, "444455556666", issuer, "sts.amazonaws.com")
	register(aws.Credentials{})
	for _, account := range []string{"444455556666", string(podpasstest.Account)} {
		if err := exchange(account); err != nil {
			t.Errorf("registered by the management account, in %s: %v", account, err)
		}
	}
}

// What an account's administrator registers must not send the server into its own private network.
func TestOnlyTheManagementAccountNamesPrivateServers(t *testing.T) {
	s := podpasstest.Start(t)
	tenant := must[*api.CreateAccountResult](t)(client(t, s, none).CreateAccount(t.Context(), &api.CreateAccountRequest{Name: "tenant"}))
	knocked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { knocked <- r.URL.Path }))
	defer server.Close()
	kubeconfig := `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c"}}],
		"clusters":[{"name":"c","cluster":{"server":"` + server.URL + `"}}]}`
	jwks := string(must[[]byte](t)(token.JWKS(s.SigningKey(t))))
	for what, test := range map[string]struct {
		code string
		keys api.ClusterKeys
	}{
		"kubeconfig":          {"AccessDeniedException", api.ClusterKeys{Kubeconfig: kubeconfig}},
		"JWKS and kubeconfig": {api.CodeValidation, api.ClusterKeys{JWKS: jwks, Kubeconfig: kubeconfig}},
		"discovery":           {api.CodeValidation, api.ClusterKeys{Discovery: true}},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := client(t, s, key(tenant.Administrator)).RegisterCluster(t.Context(), &api.RegisterClusterRequest{
				Name: "theirs", ClusterSpec: api.ClusterSpec{Issuer: server.URL, Keys: test.keys},
			})
			if e := (*api.Error)(nil); !errors.As(err, &e) || e.Code != test.code {
				t.Errorf("got %v, want %s", err, test.code)
			}
		})
	}
	select {
	case path := <-knocked:
		t.Errorf("the server was asked for %s", path)
	default:
	}
}
