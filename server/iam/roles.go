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
	return "arn:" + partition(c) + ":iam::" + string(c.Caller.Account) + ":" + noun + orDefault(in.PathPrefix, "/")
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
