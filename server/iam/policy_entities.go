package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// uses are the roles and users of one account that a managed policy is attached to, or is the permissions boundary of.
type uses struct {
	roles, users               []*named // attached
	boundedRoles, boundedUsers []*named
}

// named is a role or a user that uses a policy.
type named struct{ path, name, id string }

func (u uses) attachments() int { return len(u.roles) + len(u.users) }
func (u uses) boundaries() int  { return len(u.boundedRoles) + len(u.boundedUsers) }

func usesOf(account identity.Account, arn string, roles []*store.Role, users []*store.User) uses {
	var u uses
	for _, r := range roles {
		if r.Account == account {
			u.roles, u.boundedRoles = use(r.Attached, r.Boundary, arn, &named{r.Path, r.Name, r.ID}, u.roles, u.boundedRoles)
		}
	}
	for _, one := range users {
		if one.Account == account {
			u.users, u.boundedUsers = use(one.Attached, one.Boundary, arn, &named{one.Path, one.Name, one.ID}, u.users, u.boundedUsers)
		}
	}
	return u
}

func use(policies []string, boundary, arn string, n *named, attached, bounded []*named) (nowAttached, nowBounded []*named) {
	if slices.Contains(policies, arn) {
		attached = append(attached, n)
	}
	if boundary == arn {
		bounded = append(bounded, n)
	}
	return attached, bounded
}

type listEntities struct {
	PolicyArn         string
	EntityFilter      string
	PathPrefix        string
	PolicyUsageFilter string
	page
}

func (in *listEntities) Validate(v *awsquery.Validator) {
	checkARN(v, "policyArn", in.PolicyArn)
	checkEnum(v, "entityFilter", in.EntityFilter, "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
	checkPath(v, "pathPrefix", in.PathPrefix)
	checkEnum(v, "policyUsageFilter", in.PolicyUsageFilter, usedAsPolicy, usedAsBoundary)
	in.check(v)
}

type entityList struct {
	PolicyGroups []none
	PolicyUsers  []policyUser
	PolicyRoles  []policyRole
	rest
}

type policyUser struct{ UserName, UserId string }

type policyRole struct{ RoleName, RoleId string }

// listEntities shows who uses a policy: roles and then users, in the order of their names.
func (s *service) listEntities(_ context.Context, c *awsquery.Call, in *listEntities) (*entityList, error) {
	p, err := s.policy(c, "iam:ListEntitiesForPolicy", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	arn := p.ARN().String()
	u := usesOf(c.Caller.Account, arn, s.Store.Roles.By(store.ByPolicy, arn), s.Store.Users.By(store.ByPolicy, arn))
	type entity struct {
		*named
		role bool
	}
	var all []entity
	add := func(role bool, filter string, attached, bounded []*named) {
		if in.EntityFilter != "" && in.EntityFilter != filter {
			return
		}
		var group []*named
		if in.PolicyUsageFilter != usedAsBoundary {
			group = append(group, attached...)
		}
		if in.PolicyUsageFilter != usedAsPolicy {
			group = append(group, bounded...)
		}
		slices.SortFunc(group, func(a, b *named) int { return strings.Compare(a.name, b.name) })
		// One that has the policy attached and as its boundary is one entity.
		group = slices.CompactFunc(group, func(a, b *named) bool { return a.id == b.id })
		for _, n := range group {
			if under(n.path, in.PathPrefix) {
				all = append(all, entity{n, role})
			}
		}
	}
	add(true, "Role", u.roles, u.boundedRoles)
	add(false, "User", u.users, u.boundedUsers)
	shown, more, err := take(in.page, listed(all))
	if err != nil {
		return nil, err
	}
	out := &entityList{PolicyGroups: []none{}, PolicyUsers: []policyUser{}, PolicyRoles: []policyRole{}, rest: more}
	for _, e := range shown {
		if e.role {
			out.PolicyRoles = append(out.PolicyRoles, policyRole{e.name, e.id})
		} else {
			out.PolicyUsers = append(out.PolicyUsers, policyUser{e.name, e.id})
		}
	}
	return out, nil
}
