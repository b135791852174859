package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) boundaryActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("PutRolePermissionsBoundary", func(ctx context.Context, c *awsquery.Call, in *roleBoundary) (*none, error) {
			return nil, putBoundary(ctx, s, s.roles, c, "iam:PutRolePermissionsBoundary", in.RoleName, in.PermissionsBoundary)
		}),
		awsquery.NewAction("DeleteRolePermissionsBoundary", func(ctx context.Context, c *awsquery.Call, in *roleName) (*none, error) {
			return nil, s.roles.deleteBoundary(ctx, c, "iam:DeleteRolePermissionsBoundary", in.RoleName)
		}),
		awsquery.NewAction("PutUserPermissionsBoundary", func(ctx context.Context, c *awsquery.Call, in *userBoundary) (*none, error) {
			return nil, putBoundary(ctx, s, s.users, c, "iam:PutUserPermissionsBoundary", in.UserName, in.PermissionsBoundary)
		}),
		awsquery.NewAction("DeleteUserPermissionsBoundary", func(ctx context.Context, c *awsquery.Call, in *userName) (*none, error) {
			return nil, s.users.deleteBoundary(ctx, c, "iam:DeleteUserPermissionsBoundary", in.UserName)
		}),
	}
}

type roleBoundary struct{ RoleName, PermissionsBoundary string }

func (in *roleBoundary) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	checkARN(v, "permissionsBoundary", in.PermissionsBoundary)
}

type userBoundary struct{ UserName, PermissionsBoundary string }

func (in *userBoundary) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 64)
	checkARN(v, "permissionsBoundary", in.PermissionsBoundary)
}

// boundary is a permissions boundary as the wire has it.
type boundary struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

func shownBoundary(arn string) *boundary {
	if arn == "" {
		return nil
	}
	return &boundary{"Policy", arn} // what AWS sends; the model's enum, PermissionsBoundaryPolicy, is never seen
}

func putBoundary[T any](ctx context.Context, s *service, k kind[T], c *awsquery.Call, action, name, arn string) error {
	return k.change(ctx, c, action, name, func(tx *store.Tx, v *T) error {
		if err := s.attachable(tx, c.Caller.Account, asBoundary, arn); err != nil {
			return err
		}
		*k.hold(v).boundary = arn
		return nil
	}, newBoundary(arn))
}

func (k kind[T]) deleteBoundary(ctx context.Context, c *awsquery.Call, action, name string) error {
	return k.change(ctx, c, action, name, func(_ *store.Tx, v *T) error {
		*k.hold(v).boundary = ""
		return nil
	}, ownBoundary)
}
