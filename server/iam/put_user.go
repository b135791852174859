package iam

import (
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// UserSpec is a user as it should be.
type UserSpec struct {
	Account   identity.Account
	Partition string // default "aws"
	Path      string // default "/"
	Name      string
	Tags      identity.Tags
	Boundary  string
	Inline    map[string]string
	Attached  []string
}

// PutUser makes a user what the spec says. Its access keys are left alone.
func (e Env) PutUser(tx *store.Tx, spec UserSpec) (before, after *store.User, err error) {
	spec = spec.complete()
	var v awsquery.Validator
	(&createUser{Path: spec.Path, UserName: spec.Name, PermissionsBoundary: spec.Boundary, Tags: shownTags(spec.Tags)}).Validate(&v)
	if err := checkHolder(&v, spec.Inline, spec.Attached); err != nil {
		return nil, nil, err
	}
	at := store.UserKey(string(spec.Account), spec.Name)
	before, found := store.Read(tx, e.Store.Users, at)
	made := store.User{
		Account: spec.Account, Partition: spec.Partition, Path: spec.Path, Name: spec.Name, Created: e.now(),
		Tags: spec.Tags, Boundary: spec.Boundary, Inline: store.DocumentsOf(spec.Inline), Attached: spec.Attached,
	}
	if found {
		made.Name, made.Partition, made.ID, made.Created = before.Name, before.Partition, before.ID, before.Created
	} else if made.ID, err = identity.NewUniqueID(e.Random, identity.PrefixUser, spec.Account); err != nil {
		return nil, nil, err
	}
	if err := e.checkPolicies(tx, spec.Account, holdUser(&made), "user", spec.Name, maxUserInline); err != nil {
		return nil, nil, err
	}
	if !found {
		before = nil
	} else if sameHolder(holdUser(before), holdUser(&made)) && before.Path == made.Path {
		return before, before, nil
	}
	store.Write(tx, e.Store.Users, at, &made)
	return before, &made, nil
}

// complete fills in the defaults.
func (u UserSpec) complete() UserSpec {
	u.Partition, u.Path = orDefault(u.Partition, defaultPartition), orDefault(u.Path, "/")
	return u
}
