package account_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/account/accounttest"
	"github.com/podpass/podpass/podpasstest"
)

var fast = account.Options{Rates: account.Rates{IAMRead: 1e4, IAMWrite: 1e4, EKSRead: 1e4, EKSWrite: 1e4, STS: 1e4, EC2: 1e4}}

func connect(t *testing.T) (*account.Account, *accounttest.Server, *podpasstest.Server) {
	t.Helper()
	server := podpasstest.Start(t)
	fake := accounttest.Start(t, accounttest.Behind(server.Handler), accounttest.As(server.Admin))
	out, err := account.Connect(t.Context(), fake.Config(), fast)
	if err != nil {
		t.Fatal(err)
	}
	return out, fake, server
}

func TestConnect(t *testing.T) {
	a, _, server := connect(t)
	if a.ID != podpasstest.Account || a.Partition != "aws" || a.Region != podpasstest.Region || a.Caller != "arn:aws:iam::111122223333:user/admin" {
		t.Errorf("%+v", a)
	}
	if _, err := account.Connect(t.Context(), server.Config(podpasstest.As(aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "no"})), fast); !account.Refused(err, "InvalidClientTokenId") {
		t.Errorf("nobody's key: %v", err)
	}
}

// Documents come and go as they are, whatever is in them, and one that an edit leaves alone is not written.
func TestEditTrust(t *testing.T) {
	a, fake, server := connect(t)
	trust := `{ "Version": "2012-10-17", "Statement": [{"Sid":"A","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:RequestTag/a+b":"50% of c d"}}}] }`
	server.AddRole(t, podpasstest.Role{Name: "r", Trust: trust})
	roles := a.Roles()
	var seen string
	same := func(document string) (string, error) { seen = document; return document, nil }
	if err := roles.EditTrust(t.Context(), "r", same); err != nil || seen != trust {
		t.Errorf("%v\n%q\n%q", err, seen, trust)
	}
	if n := len(fake.Calls("iam:UpdateAssumeRolePolicy")); n != 0 {
		t.Errorf("written %d times", n)
	}
	other := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	if err := roles.EditTrust(t.Context(), "r", func(string) (string, error) { return other, nil }); err != nil {
		t.Fatal(err)
	}
	if r, err := roles.Get(t.Context(), "r"); err != nil || r.Trust != other {
		t.Errorf("%+v, %v", r, err)
	}
	if err := roles.EditTrust(t.Context(), "none", same); err == nil {
		t.Error("a role that is not there was edited")
	}
	if r, err := roles.Get(t.Context(), "none"); r != nil || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// Listings are followed to their end.
func TestPages(t *testing.T) {
	a, _, server := connect(t)
	var want []string
	for i := range 1200 {
		server.AddRole(t, podpasstest.Role{Name: fmt.Sprintf("r-%04d", i), Trust: podpasstest.PodIdentityTrust()})
		want = append(want, fmt.Sprintf("r-%04d", i))
	}
	var got []string
	err := a.Roles().Each(t.Context(), func(r *account.Role) error {
		if len(r.Name) == 6 && r.Name[:2] == "r-" {
			got = append(got, r.Name)
		}
		return nil
	})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for i := range 230 {
		server.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: fmt.Sprintf("s-%d", i), Role: "r-0000"})
	}
	if ids, err := a.Associations().IDs(t.Context(), podpasstest.Cluster); err != nil || len(ids) != 230 {
		t.Errorf("%d associations, %v", len(ids), err)
	}
}

// What is not there is no error to remove.
func TestAbsent(t *testing.T) {
	a, _, server := connect(t)
	server.AddRole(t, podpasstest.Role{Name: "r", Trust: podpasstest.PodIdentityTrust()})
	for name, remove := range map[string]func(context.Context) error{
		"role": func(ctx context.Context) error { return a.Roles().Delete(ctx, "none") },
		"attachment": func(ctx context.Context) error {
			return a.Policies().Detach(ctx, "r", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
		},
		"inline policy": func(ctx context.Context) error { return a.Policies().Delete(ctx, "r", "none") },
		"provider": func(ctx context.Context) error {
			return a.Providers().Delete(ctx, "arn:aws:iam::111122223333:oidc-provider/none.test")
		},
		"association": func(ctx context.Context) error {
			return a.Associations().Delete(ctx, podpasstest.Cluster, "a-0123456789abcdefg")
		},
	} {
		if err := remove(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The proof tells a refusal from what has nothing to do with the grant.
func TestExchange(t *testing.T) {
	a, fake, server := connect(t)
	server.AddRole(t, podpasstest.Role{Name: "r", Trust: podpasstest.PodIdentityTrust()})
	token := server.PodToken(t, "shop", "web")
	_, err := a.Exchange().PodIdentity(t.Context(), podpasstest.Cluster, token)
	if code, refused := account.Refusal(err); code != "ResourceNotFoundException" || !refused {
		t.Errorf("no association: %q, %v, %v", code, refused, err)
	}
	server.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "r"})
	if caller, err := a.Exchange().PodIdentity(t.Context(), podpasstest.Cluster, token); err != nil || caller == "" {
		t.Errorf("%q, %v", caller, err)
	}
	_, err = a.Exchange().WebIdentity(t.Context(), podpasstest.RoleARN("r"), server.Token(t, "shop", "web"))
	if code, refused := account.Refusal(err); code != "AccessDenied" || !refused {
		t.Errorf("%q, %v, %v", code, refused, err)
	}
	defer fake.Deny("eks-auth", "*")()
	_, err = a.Exchange().PodIdentity(t.Context(), podpasstest.Cluster, token)
	if _, refused := account.Refusal(err); err == nil || refused {
		t.Errorf("the caller may not call EKS Auth: %v", err)
	}
}
