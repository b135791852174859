package eks

import (
	"context"

	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

// updateAssociation is what to change: nil leaves it, and an empty text takes a target role or a policy away. Making the same change again
// changes nothing, so the token says nothing new.
type updateAssociation struct {
	onAssociation
	RoleARN            *string `json:"roleArn"`
	ClientRequestToken string  `json:"clientRequestToken"`
	DisableSessionTags *bool   `json:"disableSessionTags"`
	TargetRoleARN      *string `json:"targetRoleArn"`
	Policy             *string `json:"policy"`
}

func (in *updateAssociation) spec(c *store.Cluster, a *store.Association) AssociationSpec {
	return AssociationSpec{
		Cluster: c, Namespace: a.Namespace, ServiceAccount: a.ServiceAccount, Tags: a.Tags, RoleARN: given(in.RoleARN, a.RoleARN),
		TargetRoleARN: given(in.TargetRoleARN, a.TargetRoleARN), DisableSessionTags: given(in.DisableSessionTags, a.DisableSessionTags),
		Policy: given(in.Policy, a.Policy),
	}
}

func given[T any](value *T, or T) T {
	if value == nil {
		return or
	}
	return *value
}

// updateAssociation asks for iam:PassRole whatever it changes: to drop the session policy or to reach another target is to give the role to
// somebody in another measure.
func (s *service) updateAssociation(ctx context.Context, c *restjson.Call, in *updateAssociation) (*one, error) {
	cluster, a, err := s.on(c, "UpdatePodIdentityAssociation", in.onAssociation)
	if err != nil {
		return nil, err
	}
	var after *store.Association
	err = s.Store.Transact(ctx, func(tx *store.Tx) error {
		_, now, err := s.read(tx, a)
		if err != nil {
			return err
		}
		spec := in.spec(cluster, now)
		if _, err := spec.check(); err != nil {
			return err
		}
		if err := s.passRole(c, cluster, spec.RoleARN); err != nil {
			return err
		}
		_, after, err = s.PutAssociation(tx, spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	return show(cluster, after), nil
}
