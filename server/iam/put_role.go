package iam

import (
	"maps"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// RoleSpec is a role as it should be.
type RoleSpec struct {
	Account     identity.Account
	Partition   string // default "aws"
	Path        string // default "/"; a role keeps its path for life
	Name        string
	Description string
	MaxSession  int // seconds; default 3,600
	Trust       string
	Tags        identity.Tags
	Boundary    string            // policy ARN
	Inline      map[string]string // name -> document
	Attached    []string          // policy ARNs
}

// PutRole makes a role what the spec says. The policies it names, and the principals its trust policy names, must be there already.
func (e Env) PutRole(tx *store.Tx, spec RoleSpec) (before, after *store.Role, err error) {
	spec = spec.complete()
	var v awsquery.Validator
	(&createRole{
		Path: spec.Path, RoleName: spec.Name, AssumeRolePolicyDocument: spec.Trust, Description: spec.Description,
		MaxSessionDuration: &spec.MaxSession, PermissionsBoundary: spec.Boundary, Tags: shownTags(spec.Tags),
	}).Validate(&v)
	if err := checkHolder(&v, spec.Inline, spec.Attached); err != nil {
		return nil, nil, err
	}
	at := store.RoleKey(string(spec.Account), spec.Name)
	before, found := store.Read(tx, e.Store.Roles, at)
	made := store.Role{Account: spec.Account, Partition: spec.Partition, Path: spec.Path, Name: spec.Name, Created: e.now()}
	if found {
		if err := sameName("role", before.Path, before.Name, spec.Path, spec.Name); err != nil {
			return nil, nil, err
		}
		made.Partition, made.ID, made.Created = before.Partition, before.ID, before.Created
	} else if made.ID, err = identity.NewUniqueID(e.Random, identity.PrefixRole, spec.Account); err != nil {
		return nil, nil, err
	}
	made.Description, made.MaxSession, made.Trust, made.Tags = spec.Description, spec.MaxSession, spec.Trust, spec.Tags
	made.Boundary, made.Inline, made.Attached = spec.Boundary, store.DocumentsOf(spec.Inline), spec.Attached
	if made.TrustPins, err = e.trustOf(tx, spec.Trust); err != nil {
		return nil, nil, err
	}
	if err := e.checkPolicies(tx, spec.Account, holdRole(&made), "role", spec.Name, maxRoleInline); err != nil {
		return nil, nil, err
	}
	if !found {
		before = nil
	} else if sameHolder(holdRole(before), holdRole(&made)) && before.Description == made.Description && before.MaxSession == made.MaxSession &&
		before.Trust == made.Trust && maps.Equal(before.TrustPins, made.TrustPins) {
		return before, before, nil
	}
	store.Write(tx, e.Store.Roles, at, &made)
	return before, &made, nil
}

// complete fills in the defaults.
func (r RoleSpec) complete() RoleSpec {
	r.Partition, r.Path = orDefault(r.Partition, defaultPartition), orDefault(r.Path, "/")
	if r.MaxSession == 0 {
		r.MaxSession = defaultSession
	}
	return r
}
