package eks_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

// addUpstream registers an account whose roles are had elsewhere.
func (w *world) addUpstream(t *testing.T, id identity.Account, serves ...identity.Account) {
	t.Helper()
	_, err := w.Store.Accounts.Update(t.Context(), string(id), func(*store.Account) (*store.Account, error) {
		return &store.Account{ID: id, Upstream: &store.Upstream{
			Mode: store.UpstreamAssumeRole, Endpoints: []string{"https://sts.us-west-2.amazonaws.com"}, Accounts: serves,
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A role that lives elsewhere cannot be checked here, and is taken where its account serves the cluster's.
func TestUpstreamRoles(t *testing.T) {
	w := start(t)
	theirs := w.addTenant(t)
	const real, served, hosted, unknown = "arn:aws:iam::123456789012:role/real", "arn:aws:iam::210987654321:role/served",
		"arn:aws:iam::444455556666:role/pods", "arn:aws:iam::777777777777:role/x"
	w.addUpstream(t, "123456789012")
	w.addUpstream(t, "210987654321", tenant)
	for name, test := range map[string]struct {
		client                *eks.Client
		cluster, role, target string
		refusal               string
	}{
		"for the management account's cluster":  {w.client, local, real, "", ""},
		"with a target that is upstream too":    {w.client, local, real, served, ""},
		"with a hosted target":                  {w.client, local, real, hosted, "is not upstream"},
		"with a target of an unknown account":   {w.client, local, real, unknown, "is not upstream"},
		"a hosted role with an upstream target": {w.client, local, pods, real, "lives at another STS"},
		"a hosted role with a hosted target":    {w.client, local, pods, hosted, ""},
		// Which accounts are upstream for others is not told: this target will be refused as one that nobody knows.
		"a hosted role with a target upstream for others": {theirs, "theirs", hosted, real, ""},
		"for an account it does not serve":                {theirs, "theirs", real, "", "must be of account 444455556666"},
		"for an account it serves":                        {theirs, "theirs", served, "", ""},
		"with a target that does not serve it":            {theirs, "theirs", served, real, "is not upstream"},
		"of an account nobody knows":                      {w.client, local, unknown, "", "must be of account 111122223333"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := test.client.CreatePodIdentityAssociation(t.Context(), input(func(in *eks.CreatePodIdentityAssociationInput) {
				in.ClusterName, in.RoleArn = aws.String(test.cluster), aws.String(test.role)
				if test.target != "" {
					in.TargetRoleArn = aws.String(test.target)
				}
			}))
			if test.refusal != "" {
				if got := refused(err); got.Code != "InvalidParameterException" || !strings.Contains(got.Message, test.refusal) {
					t.Errorf("got %v, want %q", err, test.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.client.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{
				ClusterName: aws.String(test.cluster), AssociationId: out.Association.AssociationId,
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
