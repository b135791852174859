package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

type updateRole struct {
	RoleName           string
	Description        *string
	MaxSessionDuration *int
}

func (in *updateRole) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	if in.Description != nil {
		checkDescription(v, *in.Description)
	}
	checkSession(v, in.MaxSessionDuration)
}

// updateRole sets what is given. A description that is absent is kept, and one that is empty is removed.
func (s *service) updateRole(ctx context.Context, c *awsquery.Call, in *updateRole) (*none, error) {
	err := s.roles.change(ctx, c, "iam:UpdateRole", in.RoleName, func(_ *store.Tx, r *store.Role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &none{}, nil // an empty UpdateRoleResult, which the model asks for
}

type roleDescription struct {
	RoleName    string
	Description *string
}

func (in *roleDescription) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	v.Required("description", in.Description != nil)
	if in.Description != nil {
		checkDescription(v, *in.Description)
	}
}

func (s *service) updateRoleDescription(ctx context.Context, c *awsquery.Call, in *roleDescription) (*roleResult, error) {
	var updated *store.Role
	err := s.roles.change(ctx, c, "iam:UpdateRoleDescription", in.RoleName, func(_ *store.Tx, r *store.Role) error {
		r.Description = *in.Description
		updated = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &roleResult{s.wholeRole(updated)}, nil
}

type trustUpdate struct {
	RoleName       string
	PolicyDocument string
}

func (in *trustUpdate) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	checkDocument(v, "policyDocument", in.PolicyDocument)
}

func (s *service) updateAssumeRolePolicy(ctx context.Context, c *awsquery.Call, in *trustUpdate) (*none, error) {
	return nil, s.roles.change(ctx, c, "iam:UpdateAssumeRolePolicy", in.RoleName, func(tx *store.Tx, r *store.Role) (err error) {
		r.Trust = in.PolicyDocument
		r.TrustPins, err = s.trustOf(tx, in.PolicyDocument)
		return err
	})
}
