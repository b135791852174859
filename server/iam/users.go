package iam

import (
	"context"
	"time"

	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) userActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("CreateUser", s.createUser),
		awsquery.NewAction("GetUser", s.getUser),
		awsquery.NewAction("ListUsers", s.listUsers),
		awsquery.NewAction("UpdateUser", s.updateUser),
		awsquery.NewAction("DeleteUser", s.deleteUser),
		awsquery.NewAction("ListGroupsForUser", s.listGroups),
	}
}

type userResult struct{ User *user }

// user is a user as the wire has it.
type user struct {
	Path                string
	UserName            string
	UserId              string
	Arn                 string
	CreateDate          time.Time
	PermissionsBoundary *boundary
	Tags                []tag
}

// listedUser has neither tags nor boundary, as on AWS.
func listedUser(u *store.User) *user {
	return &user{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN().String(), CreateDate: u.Created}
}

func wholeUser(u *store.User) *user {
	out := listedUser(u)
	out.PermissionsBoundary, out.Tags = shownBoundary(u.Boundary), shownTags(u.Tags)
	return out
}

type userName struct{ UserName string }

func (in *userName) Validate(v *awsquery.Validator) { checkName(v, "userName", in.UserName, 128) }

// someUser is a user by name, or the caller.
type someUser struct{ UserName string }

func (in *someUser) Validate(v *awsquery.Validator) {
	optional(v, "userName", in.UserName, 1, 128, namePattern, isName)
}

type userPage struct {
	UserName string
	page
}

func (in *userPage) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 128)
	in.check(v)
}

// nameOr is the name given, or the name of the calling user.
func nameOr(c *awsquery.Call, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	if c.Caller.Kind != access.User || c.Caller.User == nil {
		return "", awserr.Validation("Must specify userName when calling with non-User credentials")
	}
	return c.Caller.User.Name, nil
}

func (s *service) getUser(_ context.Context, c *awsquery.Call, in *someUser) (*userResult, error) {
	name, err := nameOr(c, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.users.get(c, "iam:GetUser", name)
	if err != nil {
		return nil, err
	}
	return &userResult{wholeUser(u)}, nil
}

type userList struct {
	Users []*user
	rest
}

func (s *service) listUsers(_ context.Context, c *awsquery.Call, in *pathPage) (*userList, error) {
	if err := s.authorise(c, "iam:ListUsers", "*", in.shown(c, "user"), nil); err != nil {
		return nil, err
	}
	found, more, err := take(in.page, records(s.Store.Users, store.UserKey(string(c.Caller.Account), ""), func(u *store.User) bool {
		return under(u.Path, in.PathPrefix)
	}))
	if err != nil {
		return nil, err
	}
	out := &userList{Users: []*user{}, rest: more}
	for _, u := range found {
		out.Users = append(out.Users, listedUser(u))
	}
	return out, nil
}

func (s *service) deleteUser(ctx context.Context, c *awsquery.Call, in *userName) (*none, error) {
	return nil, s.users.remove(ctx, c, "iam:DeleteUser", in.UserName, func(tx *store.Tx, u *store.User) error {
		if len(store.ReadBy(tx, s.Store.AccessKeys, store.ByUser, u.ID)) > 0 {
			return deleteConflict("Cannot delete entity, must delete access keys first.")
		}
		return removable(holdUser(u))
	})
}

type groupList struct {
	Groups []none
	rest
}

// listGroups is always empty; Terraform asks before it deletes a user.
func (s *service) listGroups(_ context.Context, c *awsquery.Call, in *userPage) (*groupList, error) {
	if _, err := s.users.get(c, "iam:ListGroupsForUser", in.UserName); err != nil {
		return nil, err
	}
	return &groupList{Groups: []none{}}, nil
}
