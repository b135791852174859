package eksauth_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
)

// The one association in force decides, by the store's precedence; once it is gone the next does, and in the end none.
func TestAssociations(t *testing.T) {
	s := podpasstest.Start(t)
	for _, role := range []string{"exact", "namespace", "account", "any"} {
		s.AddRole(t, podpasstest.Role{Name: role, Trust: podpasstest.PodIdentityTrust()})
	}
	order := []*store.Association{
		s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "exact"}),
		s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "w*", Role: "namespace"}),
		s.AddAssociation(t, podpasstest.Association{Namespace: "s*", ServiceAccount: "web", Role: "account"}),
		s.AddAssociation(t, podpasstest.Association{Namespace: "*", ServiceAccount: "*", Role: "any"}),
	}
	for _, a := range order {
		p := exchange(t, s, s.PodToken(t, "shop", "web"))
		if p.AssociationID != a.ID || s.Audit.Last(t).Role != a.RoleARN || s.Audit.Last(t).Association != a.ID {
			t.Errorf("%s/%s should decide, it was %s with %s", a.Namespace, a.ServiceAccount, p.AssociationID, p.AssumedRoleARN)
		}
		s.DeleteAssociation(t, a)
	}
	raw, before := s.PodToken(t, "shop", "web"), s.Audit.Len()
	_, err := s.PodIdentity(aws.Credentials{}, raw)
	refused(t, s, before, err, refusal{
		404, "ResourceNotFoundException", "No association found for service account web in namespace shop of cluster local.", "no association names shop/web",
	}, "", raw)
}

// An association that outlived its role, or came by a write that EKS would have refused, gives nothing.
func TestAssociationsOfNoUse(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddAccount(t, elsewhere)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	s.AddRole(t, podpasstest.Role{Name: "reader", Account: elsewhere, Trust: podpasstest.PodIdentityTrust()})
	a := s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	const (
		account = "the association's role is in an account that this cluster may not use"
		noRole  = "the association's role does not exist"
	)
	for _, c := range []struct{ name, role, target, hint, why string }{
		{"no such role", "arn:aws:iam::111122223333:role/gone", "", noRole, "there is no role arn:aws:iam::111122223333:role/gone"},
		{"another partition's", "arn:aws-cn:iam::111122223333:role/reader", "", noRole, "there is no role arn:aws-cn"},
		{"no ARN", "reader", "", noRole, "does not begin with"},
		{"a user", "arn:aws:iam::111122223333:user/reader", "", noRole, "is not the ARN of a role"},
		{"a role that trusts the service, of another account", "arn:aws:iam::999988887777:role/reader", "", account, "is not of account 111122223333"},
		{"an account nobody knows", "arn:aws:iam::123456789012:role/reader", "", account, "neither hosted here nor registered as upstream"},
		{"no such target", "arn:aws:iam::111122223333:role/reader", "arn:aws:iam::111122223333:role/gone", "the association's target role does not exist", "there is no role"},
		{"a target that is none", "arn:aws:iam::111122223333:role/reader", "gone", "the association's target role does not exist", "does not begin with"},
		{
			"a target in an account nobody knows", "arn:aws:iam::111122223333:role/reader", "arn:aws:iam::123456789012:role/x",
			"the target role's trust policy, or the role's own policies, do not allow sts:AssumeRole", "account 123456789012 is not hosted here",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Store.Associations.Update(context.Background(), store.AssociationKey(a.Cluster, a.Namespace, a.ServiceAccount),
				func(old *store.Association) (*store.Association, error) {
					changed := *old
					changed.RoleARN, changed.TargetRoleARN = c.role, c.target
					return &changed, nil
				})
			if err != nil {
				t.Fatal(err)
			}
			raw, before := s.PodToken(t, "shop", "web"), s.Audit.Len()
			_, err = s.PodIdentity(aws.Credentials{}, raw)
			refused(t, s, before, err, untrusted(c.hint), c.why, raw)
		})
	}
}

// A session ends with its role: the role made again under the same name is another.
func TestSessionEndsWithItsRole(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	p := exchange(t, s, s.PodToken(t, "shop", "web"))
	whoIs(t, s, p)
	s.DeleteRole(t, podpasstest.Account, "reader")
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	if _, err := s.STS(podpasstest.Granted(p)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err == nil {
		t.Error("the session outlives its role")
	}
}
