package control_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
)

// none stands for the administrator of the management account.
var none aws.Credentials

func TestAccountsAreIsolated(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	made := must[*api.CreateAccountResult](t)(admin.CreateAccount(ctx, &api.CreateAccountRequest{Name: "tenant", ID: "222233334444"}))
	if made.Account.ID != "222233334444" || made.Account.Management || made.Administrator.User != "arn:aws:iam::222233334444:user/admin" {
		t.Fatalf("%+v", made)
	}
	who := must[*sts.GetCallerIdentityOutput](t)(s.STS(key(made.Administrator)).GetCallerIdentity(ctx, nil))
	if aws.ToString(who.Account) != "222233334444" {
		t.Errorf("the administrator is of account %s", aws.ToString(who.Account))
	}
	if chosen := must[*api.CreateAccountResult](t)(admin.CreateAccount(ctx, &api.CreateAccountRequest{Name: "other"})); len(chosen.Account.ID) != 12 {
		t.Errorf("chosen account number %q", chosen.Account.ID)
	}
	list := must[*api.ListAccountsResult](t)(admin.ListAccounts(ctx))
	if len(list.Accounts) != 3 || !list.Accounts[0].Management && !list.Accounts[1].Management && !list.Accounts[2].Management {
		t.Errorf("%+v", list)
	}
	for _, in := range []api.CreateAccountRequest{{Name: "", ID: "333344445555"}, {Name: "x", ID: "1"}} {
		_, err := admin.CreateAccount(ctx, &in)
		refused(t, err, api.CodeValidation)
	}
	_, err := admin.CreateAccount(ctx, &api.CreateAccountRequest{Name: "again", ID: "222233334444"})
	refused(t, err, api.CodeConflict)

	// The other account's administrator may do everything, there.
	tenant := client(t, s, key(made.Administrator))
	if got := must[*api.ListClustersResult](t)(tenant.ListClusters(ctx)); len(got.Clusters) != 0 {
		t.Errorf("the tenant sees %+v", got.Clusters)
	}
	web := api.ServiceAccountName{Cluster: podpasstest.Cluster, Namespace: "shop", Name: "web"}
	for what, call := range map[string]struct {
		code string
		do   func() error
	}{
		"describe":   {api.CodeNotFound, func() error { _, err := tenant.DescribeCluster(ctx, podpasstest.Cluster); return err }},
		"deregister": {api.CodeNotFound, func() error { _, err := tenant.DeregisterCluster(ctx, podpasstest.Cluster); return err }},
		"rotate key": {api.CodeNotFound, func() error { _, err := tenant.RotateClusterKey(ctx, podpasstest.Cluster); return err }},
		"look up":    {api.CodeNotFound, func() error { _, err := tenant.GetServiceAccount(ctx, web); return err }},
		"token": {api.CodeNotFound, func() error {
			_, err := tenant.CreateToken(ctx, &api.CreateTokenRequest{ServiceAccountName: web, Audience: "a"})
			return err
		}},
		"roles": {api.CodeNotFound, func() error { _, err := tenant.RolesFor(ctx, web); return err }},
		"whois": {api.CodeNotFound, func() error { _, err := tenant.Whois(ctx, s.Admin.AccessKeyID); return err }},
		"apply": {api.CodeNotFound, func() error {
			_, err := tenant.Apply(ctx, &api.ApplyRequest{Documents: documents(t, "serviceaccount.yaml")})
			return err
		}},
		"accounts":     {api.CodeAccessDenied, func() error { _, err := tenant.ListAccounts(ctx); return err }},
		"new account":  {api.CodeAccessDenied, func() error { _, err := tenant.CreateAccount(ctx, &api.CreateAccountRequest{Name: "x"}); return err }},
		"session keys": {api.CodeAccessDenied, func() error { _, err := tenant.RotateSessionKeys(ctx); return err }},
		"revoke": {api.CodeNotFound, func() error {
			_, err := tenant.Revoke(ctx, &api.RevokeRequest{Role: "arn:aws:iam::111122223333:role/podpass/podpass-agent-local"})
			return err
		}},
		"take the name": {api.CodeConflict, func() error {
			_, err := tenant.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: podpasstest.Cluster, ClusterSpec: api.ClusterSpec{Keys: api.ClusterKeys{Hosted: true}}})
			return err
		}},
		"register elsewhere": {api.CodeAccessDenied, func() error {
			_, err := tenant.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "x", ClusterSpec: api.ClusterSpec{Account: "111122223333", Keys: api.ClusterKeys{Hosted: true}}})
			return err
		}},
	} {
		t.Run(what, func(t *testing.T) { refused(t, call.do(), call.code) })
	}

	// The tenant's own cluster is the tenant's, and the management account's to see.
	must[*api.RegisterClusterResult](t)(tenant.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "theirs", ClusterSpec: api.ClusterSpec{Keys: api.ClusterKeys{Hosted: true}}}))
	if c := must[*api.Cluster](t)(admin.DescribeCluster(ctx, "theirs")); c.Account != "222233334444" {
		t.Errorf("%+v", c)
	}
	must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "theirs", ClusterSpec: api.ClusterSpec{Keys: api.ClusterKeys{Hosted: true}, AllowNoPod: true}}))
}

func TestRotateAdmin(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	old := must[*sts.GetSessionTokenOutput](t)(s.STS(s.Admin).GetSessionToken(ctx, nil))
	got := must[*api.RotateAdminResult](t)(client(t, s, none).RotateAdmin(ctx))
	if diff := cmp.Diff([]string{s.Admin.AccessKeyID}, got.Deleted); diff != "" {
		t.Error(diff)
	}
	_, err := client(t, s, none).ListClusters(ctx)
	refused(t, err, "UnrecognizedClientException")
	must[*api.ListClustersResult](t)(client(t, s, key(got.Administrator)).ListClusters(ctx))
	if works(s, podpasstest.Issued(old.Credentials)) {
		t.Error("a session outlives the key it was got with")
	}
	if fresh := must[*sts.GetSessionTokenOutput](t)(s.STS(key(got.Administrator)).GetSessionToken(ctx, nil)); !works(s, podpasstest.Issued(fresh.Credentials)) {
		t.Error("the new key gets no session")
	}
}
