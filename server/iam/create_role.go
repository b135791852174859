package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

type createRole struct {
	Path                     string
	RoleName                 string
	AssumeRolePolicyDocument string
	Description              string
	MaxSessionDuration       *int
	PermissionsBoundary      string
	Tags                     []tag
}

func (in *createRole) Validate(v *awsquery.Validator) {
	checkPath(v, "path", in.Path)
	checkName(v, "roleName", in.RoleName, 64)
	checkDocument(v, "assumeRolePolicyDocument", in.AssumeRolePolicyDocument)
	checkDescription(v, in.Description)
	checkSession(v, in.MaxSessionDuration)
	optional(v, "permissionsBoundary", in.PermissionsBoundary, 20, 2048, "", nil)
	checkTags(v, in.Tags)
}

func checkSession(v *awsquery.Validator, seconds *int) {
	if seconds != nil {
		v.Range("maxSessionDuration", *seconds, minSession, maxSession)
	}
}

func (s *service) createRole(ctx context.Context, c *awsquery.Call, in *createRole) (*roleResult, error) {
	spec := RoleSpec{
		Account: c.Caller.Account, Partition: partition(c), Path: in.Path, Name: in.RoleName, Description: in.Description,
		Trust: in.AssumeRolePolicyDocument, Tags: fromWire(in.Tags), Boundary: in.PermissionsBoundary,
	}
	if in.MaxSessionDuration != nil {
		spec.MaxSession = *in.MaxSessionDuration
	}
	spec = spec.complete()
	arn := spec.Account.IAM(spec.Partition, "role"+spec.Path+spec.Name).String()
	keys := conditionKeys(holder{}, []key{requestTags(spec.Tags), newBoundary(spec.Boundary)})
	if err := s.authorise(c, "iam:CreateRole", arn, arn, keys); err != nil {
		return nil, err
	}
	var made *store.Role
	err := s.Store.Transact(ctx, func(tx *store.Tx) error {
		if _, exists := store.Read(tx, s.Store.Roles, store.RoleKey(string(spec.Account), spec.Name)); exists {
			return alreadyExists("Role with name %s already exists.", spec.Name)
		}
		_, after, err := s.PutRole(tx, spec)
		made = after
		return err
	})
	if err != nil {
		return nil, err
	}
	out := s.roleEntry(made)
	out.PermissionsBoundary, out.Tags = shownBoundary(made.Boundary), shownTags(made.Tags)
	return &roleResult{out}, nil
}
