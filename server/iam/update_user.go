package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

type updateUser struct {
	UserName    string
	NewPath     string
	NewUserName string
}

func (in *updateUser) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 128)
	checkPath(v, "newPath", in.NewPath)
	optional(v, "newUserName", in.NewUserName, 1, 64, namePattern, isName)
}

// updateUser renames or moves a user, who stays the same one: access keys and trust follow its unique id. The caller needs the permission for
// the user as it is and as it will be.
func (s *service) updateUser(ctx context.Context, c *awsquery.Call, in *updateUser) (*none, error) {
	users, account := s.Store.Users, string(c.Caller.Account)
	return nil, s.Store.Transact(ctx, func(tx *store.Tx) error {
		at, u, err := s.users.read(tx, c, "iam:UpdateUser", in.UserName)
		if err != nil {
			return err
		}
		u.Name, u.Path = orDefault(in.NewUserName, u.Name), orDefault(in.NewPath, u.Path)
		if err := s.authorise(c, "iam:UpdateUser", u.ARN().String(), "user "+u.Name, conditionKeys(holdUser(u), nil)); err != nil {
			return err
		}
		to := store.UserKey(account, u.Name)
		if to != at {
			if _, taken := store.Read(tx, users, to); taken {
				return alreadyExists("User with name %s already exists.", u.Name)
			}
			store.Write(tx, users, at, nil)
		}
		store.Write(tx, users, to, u)
		for _, k := range store.ReadBy(tx, s.Store.AccessKeys, store.ByUser, u.ID) {
			renamed := *k
			renamed.User = u.Name
			store.Write(tx, s.Store.AccessKeys, renamed.ID, &renamed)
		}
		return nil
	})
}
