package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

type createUser struct {
	Path                string
	UserName            string
	PermissionsBoundary string
	Tags                []tag
}

func (in *createUser) Validate(v *awsquery.Validator) {
	checkPath(v, "path", in.Path)
	checkName(v, "userName", in.UserName, 64)
	optional(v, "permissionsBoundary", in.PermissionsBoundary, 20, 2048, "", nil)
	checkTags(v, in.Tags)
}

func (s *service) createUser(ctx context.Context, c *awsquery.Call, in *createUser) (*userResult, error) {
	spec := UserSpec{
		Account: c.Caller.Account, Partition: partition(c), Path: in.Path, Name: in.UserName, Tags: fromWire(in.Tags), Boundary: in.PermissionsBoundary,
	}.complete()
	arn := spec.Account.IAM(spec.Partition, "user"+spec.Path+spec.Name).String()
	keys := conditionKeys(holder{}, []key{requestTags(spec.Tags), newBoundary(spec.Boundary)})
	if err := s.authorise(c, "iam:CreateUser", arn, arn, keys); err != nil {
		return nil, err
	}
	var made *store.User
	err := s.Store.Transact(ctx, func(tx *store.Tx) error {
		if _, exists := store.Read(tx, s.Store.Users, store.UserKey(string(spec.Account), spec.Name)); exists {
			return alreadyExists("User with name %s already exists.", spec.Name)
		}
		_, after, err := s.PutUser(tx, spec)
		made = after
		return err
	})
	if err != nil {
		return nil, err
	}
	return &userResult{wholeUser(made)}, nil
}
