package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) deleteRole(ctx context.Context, c *awsquery.Call, in *roleName) (*none, error) {
	return nil, s.roles.remove(ctx, c, "iam:DeleteRole", in.RoleName, func(_ *store.Tx, r *store.Role) error {
		return removable(holdRole(r))
	})
}

// removable refuses what policies still hang on.
func removable(h holder) error {
	switch {
	case len(*h.attached) > 0:
		return deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(*h.inline) > 0:
		return deleteConflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

type instanceProfileList struct {
	InstanceProfiles []none
	rest
}

// listInstanceProfiles is always empty; Terraform and eksctl ask before they delete a role.
func (s *service) listInstanceProfiles(_ context.Context, c *awsquery.Call, in *rolePage) (*instanceProfileList, error) {
	if _, err := s.roles.get(c, "iam:ListInstanceProfilesForRole", in.RoleName); err != nil {
		return nil, err
	}
	return &instanceProfileList{InstanceProfiles: []none{}}, nil
}
