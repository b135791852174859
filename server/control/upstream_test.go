package control_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server"
)

const elsewhere = "444455556666"

func webIdentity(endpoints ...string) *api.Upstream {
	return &api.Upstream{Mode: api.UpstreamWebIdentity, Endpoints: endpoints}
}

func TestUpstreamAccount(t *testing.T) {
	ctx := t.Context()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	tenant := must[*api.CreateAccountResult](t)(admin.CreateAccount(ctx, &api.CreateAccountRequest{Name: "tenant", ID: "222233334444"}))
	n := s.Audit.Len()
	made := must[*api.CreateAccountResult](t)(admin.CreateAccount(ctx, &api.CreateAccountRequest{
		Name: "aws", ID: elsewhere, Upstream: webIdentity("https://sts.us-east-1.amazonaws.com/", "eu-central-1=https://sts.example/base"),
	}))
	if e := event(t, s, n); e.Action != "CreateAccount" || e.Statement == "" {
		t.Errorf("event %+v", e)
	}
	want := api.Account{ID: elsewhere, Name: "aws", Upstream: webIdentity("https://sts.us-east-1.amazonaws.com", "eu-central-1=https://sts.example/base")}
	if diff := cmp.Diff(want, made.Account, cmpopts.IgnoreFields(api.Account{}, "Created")); diff != "" || made.Account.Created.IsZero() {
		t.Errorf("created %v %s", made.Account.Created, diff)
	}
	if made.Administrator != (api.AccessKey{}) || s.Store.Users.Len() != 2 {
		t.Error("an upstream account has an administrator here")
	}

	// Each change touches what it names, and nothing else.
	update := func(in api.UpdateAccountRequest) *api.Account {
		t.Helper()
		in.ID = elsewhere
		return must[*api.Account](t)(admin.UpdateAccount(ctx, &in))
	}
	mode := api.UpstreamAssumeRole
	update(api.UpdateAccountRequest{Mode: &mode})
	update(api.UpdateAccountRequest{Name: aws.String("production")})
	update(api.UpdateAccountRequest{For: &[]string{"222233334444", "222233334444"}})
	got := update(api.UpdateAccountRequest{Endpoints: []string{"http://127.0.0.1:9"}})
	want.Name, want.Upstream = "production", &api.Upstream{Mode: mode, Endpoints: []string{"http://127.0.0.1:9"}, For: []string{"222233334444"}}
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(api.Account{}, "Created")); diff != "" {
		t.Error(diff)
	}
	if none := update(api.UpdateAccountRequest{For: &[]string{}}); none.Upstream.For != nil {
		t.Errorf("still for %v", none.Upstream.For)
	}
	list := must[*api.ListAccountsResult](t)(admin.ListAccounts(ctx))
	want.Upstream.For = nil
	if diff := cmp.Diff(want, list.Accounts[2], cmpopts.IgnoreFields(api.Account{}, "Created")); diff != "" {
		t.Error(diff)
	}

	// Only the management account may.
	other := client(t, s, key(tenant.Administrator))
	_, err := other.UpdateAccount(ctx, &api.UpdateAccountRequest{ID: elsewhere, Name: aws.String("mine")})
	refused(t, err, api.CodeAccessDenied)
	_, err = other.DeleteAccount(ctx, elsewhere)
	refused(t, err, api.CodeAccessDenied)
	_, err = client(t, s, limited(t, s, podpasstest.Allow("podpass:ListAccounts"))).DeleteAccount(ctx, elsewhere)
	refused(t, err, api.CodeAccessDenied)

	must[*api.Account](t)(admin.DeleteAccount(ctx, elsewhere))
	_, err = admin.DeleteAccount(ctx, elsewhere)
	refused(t, err, api.CodeNotFound)
	_, err = admin.UpdateAccount(ctx, &api.UpdateAccountRequest{ID: elsewhere})
	refused(t, err, api.CodeNotFound)
}

// Without endpoints they are AWS's of the installation's region and partition.
func TestUpstreamDefaultEndpoint(t *testing.T) {
	for region, want := range map[string]string{
		"us-west-2": "https://sts.us-west-2.amazonaws.com", "cn-north-1": "https://sts.cn-north-1.amazonaws.com.cn",
		"eusc-de-east-1": "https://sts.eusc-de-east-1.amazonaws.eu",
	} {
		s := podpasstest.Start(t, func(c *server.Config) { c.Region = region })
		made := must[*api.CreateAccountResult](t)(client(t, s, none).CreateAccount(t.Context(), &api.CreateAccountRequest{
			Name: "aws", ID: elsewhere, Upstream: webIdentity(),
		}))
		if diff := cmp.Diff([]string{want}, made.Account.Upstream.Endpoints); diff != "" {
			t.Error(diff)
		}
	}
}

func TestUpstreamMistakes(t *testing.T) {
	ctx := t.Context()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	for what, test := range map[string]struct {
		in   api.CreateAccountRequest
		says string
	}{
		"no number":         {api.CreateAccountRequest{Upstream: webIdentity()}, "give it"},
		"no mode":           {api.CreateAccountRequest{ID: elsewhere, Upstream: &api.Upstream{}}, `not ""`},
		"another mode":      {api.CreateAccountRequest{ID: elsewhere, Upstream: &api.Upstream{Mode: "saml"}}, `not "saml"`},
		"plain HTTP":        {api.CreateAccountRequest{ID: elsewhere, Upstream: webIdentity("http://sts.example")}, "https://"},
		"no URL":            {api.CreateAccountRequest{ID: elsewhere, Upstream: webIdentity("sts.example")}, "not a URL"},
		"another region":    {api.CreateAccountRequest{ID: elsewhere, Upstream: webIdentity("us-east-1=https://sts.us-west-2.amazonaws.com")}, "us-west-2, not us-east-1"},
		"twice":             {api.CreateAccountRequest{ID: elsewhere, Upstream: webIdentity("https://a.example", "us-west-2=https://a.example/")}, "twice"},
		"too many":          {api.CreateAccountRequest{ID: elsewhere, Upstream: webIdentity(strings.Split(strings.Repeat("https://a.example ", 9), " ")[:9]...)}, "at most 8"},
		"for no number":     {api.CreateAccountRequest{ID: elsewhere, Upstream: &api.Upstream{Mode: "web-identity", For: []string{"1"}}}, "12 digits"},
		"for a stranger":    {api.CreateAccountRequest{ID: elsewhere, Upstream: &api.Upstream{Mode: "web-identity", For: []string{"999988887777"}}}, "not hosted here"},
		"for itself":        {api.CreateAccountRequest{ID: elsewhere, Upstream: &api.Upstream{Mode: "web-identity", For: []string{elsewhere}}}, "not hosted here"},
		"no name, upstream": {api.CreateAccountRequest{Name: strings.Repeat("x", 65), ID: elsewhere, Upstream: webIdentity()}, "64 characters"},
	} {
		t.Run(what, func(t *testing.T) {
			if test.in.Name == "" {
				test.in.Name = "aws"
			}
			_, err := admin.CreateAccount(ctx, &test.in)
			if message := refused(t, err, api.CodeValidation); !strings.Contains(message, test.says) {
				t.Errorf("%q does not say %q", message, test.says)
			}
		})
	}
	if _, made := s.Store.Accounts.Get(elsewhere); made {
		t.Error("a mistake made an account")
	}
	_, err := admin.CreateAccount(ctx, &api.CreateAccountRequest{Name: "x", ID: string(podpasstest.Account), Upstream: webIdentity()})
	refused(t, err, api.CodeConflict)

	// A hosted account stays where it is; its name may change.
	mode := api.UpstreamWebIdentity
	_, err = admin.UpdateAccount(ctx, &api.UpdateAccountRequest{ID: string(podpasstest.Account), Mode: &mode})
	refused(t, err, api.CodeValidation)
	_, err = admin.DeleteAccount(ctx, string(podpasstest.Account))
	refused(t, err, api.CodeConflict)
	if renamed := must[*api.Account](t)(admin.UpdateAccount(ctx, &api.UpdateAccountRequest{ID: string(podpasstest.Account), Name: aws.String("home")})); renamed.Name != "home" || !renamed.Management {
		t.Errorf("%+v", renamed)
	}
}

// An upstream account's roles are elsewhere: nothing can belong to it here, and what it is said to hold is not looked for here.
func TestNothingBelongsToAnUpstreamAccount(t *testing.T) {
	ctx := t.Context()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	must[*api.CreateAccountResult](t)(admin.CreateAccount(ctx, &api.CreateAccountRequest{Name: "aws", ID: elsewhere, Upstream: webIdentity()}))
	_, err := admin.RegisterCluster(ctx, &api.RegisterClusterRequest{
		Name: "prod", ClusterSpec: api.ClusterSpec{Account: elsewhere, Keys: api.ClusterKeys{Hosted: true}},
	})
	if message := refused(t, err, api.CodeValidation); !strings.Contains(message, "is an upstream account") {
		t.Errorf("%q does not say why", message)
	}
	// As for any account of which nothing is known, a trust policy may name its principals.
	_, err = s.IAM(aws.Credentials{}).CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("shared"), AssumeRolePolicyDocument: aws.String(podpasstest.TrustAWS([]string{"arn:aws:iam::" + elsewhere + ":role/app"})),
	})
	if err != nil {
		t.Error(err)
	}
}

// Whoever runs a process as a service account is told where its credentials are good.
func TestServiceAccountWithARoleElsewhere(t *testing.T) {
	ctx := t.Context()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	must[*api.CreateAccountResult](t)(admin.CreateAccount(ctx, &api.CreateAccountRequest{Name: "aws", ID: elsewhere, Upstream: webIdentity("https://sts.us-east-1.amazonaws.com")}))
	s.AddRole(t, podpasstest.Role{Name: "here", Trust: podpasstest.PodIdentityTrust()})
	for role, want := range map[string]bool{podpasstest.RoleARN("here"): false, "arn:aws:iam::" + elsewhere + ":role/there": true} {
		s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: role})
		got := must[*api.ServiceAccount](t)(admin.GetServiceAccount(ctx, webOf("local")))
		if got.Association.Role != role || got.Association.Upstream != want {
			t.Errorf("%s: %+v", role, got.Association)
		}
	}
}
