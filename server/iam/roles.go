package iam

import (
	"context"
	"time"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) roleActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("CreateRole", s.createRole),
		awsquery.NewAction("GetRole", s.getRole),
		awsquery.NewAction("ListRoles", s.listRoles),
		awsquery.NewAction("UpdateRole", s.updateRole),
		awsquery.NewAction("UpdateRoleDescription", s.updateRoleDescription),
		awsquery.NewAction("UpdateAssumeRolePolicy", s.updateAssumeRolePolicy),
		awsquery.NewAction("DeleteRole", s.deleteRole),
		awsquery.NewAction("ListInstanceProfilesForRole", s.listInstanceProfiles),
	}
}

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

type roleResult struct{ Role *role }

// role is a role as the wire has it. Which members are there depends on the action.
type role struct {
	Path                     string
	RoleName                 string
	RoleId                   string
	Arn                      string
	CreateDate               time.Time
	AssumeRolePolicyDocument string // percent-encoded
	Description              string
	MaxSessionDuration       *int
	PermissionsBoundary      *boundary
	Tags                     []tag
	RoleLastUsed             *lastUsed
}

// lastUsed is empty: no use is recorded on the role. The audit file says who used it when.
type lastUsed struct {
	LastUsedDate time.Time
	Region       string
}

// roleEntry is what every action shows.
func (s *service) roleEntry(r *store.Role) *role {
	return &role{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN().String(), CreateDate: r.Created,
		AssumeRolePolicyDocument: percentEncode(s.shownTrust(r)),
	}
}

// listedRole has neither tags nor boundary nor last use, as on AWS.
func (s *service) listedRole(r *store.Role) *role {
	out := s.roleEntry(r)
	out.Description, out.MaxSessionDuration = r.Description, &r.MaxSession
	return out
}

func (s *service) wholeRole(r *store.Role) *role {
	out := s.listedRole(r)
	out.PermissionsBoundary, out.Tags, out.RoleLastUsed = shownBoundary(r.Boundary), shownTags(r.Tags), &lastUsed{}
	return out
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

type roleName struct{ RoleName string }

func (in *roleName) Validate(v *awsquery.Validator) { checkName(v, "roleName", in.RoleName, 64) }

type rolePage struct {
	RoleName string
	page
}

func (in *rolePage) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	in.check(v)
}

func (s *service) getRole(_ context.Context, c *awsquery.Call, in *roleName) (*roleResult, error) {
	r, err := s.roles.get(c, "iam:GetRole", in.RoleName)
	if err != nil {
		return nil, err
	}
	return &roleResult{s.wholeRole(r)}, nil
}

// pathPage asks for a page of those under a path.
type pathPage struct {
	PathPrefix string
	page
}

func (in *pathPage) Validate(v *awsquery.Validator) {
	optional(v, "pathPrefix", in.PathPrefix, 1, 512, pathPrefixPattern, isPathPrefix)
	in.check(v)
}

// shown is the resource a refusal to list names: what is listed under the path prefix.
func (in *pathPage) shown(c *awsquery.Call, noun string) string {
	if in.PathPrefix == "" {
		return c.Caller.Account.IAM(partition(c), noun+"/").String()
	}
	return c.Caller.Account.IAM(partition(c), noun+in.PathPrefix).String()
}

type roleList struct {
	Roles []*role
	rest
}

func (s *service) listRoles(_ context.Context, c *awsquery.Call, in *pathPage) (*roleList, error) {
	if err := s.authorise(c, "iam:ListRoles", "*", in.shown(c, "role"), nil); err != nil {
		return nil, err
	}
	found, more, err := take(in.page, records(s.Store.Roles, store.RoleKey(string(c.Caller.Account), ""), func(r *store.Role) bool {
		return under(r.Path, in.PathPrefix)
	}))
	if err != nil {
		return nil, err
	}
	out := &roleList{Roles: []*role{}, rest: more}
	for _, r := range found {
		out.Roles = append(out.Roles, s.listedRole(r))
	}
	return out, nil
}

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
