package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/policy"
)

// granted are the roles that bear a mark of this grant: named by what links the service account to them, by the spec, or found among all by their trust.
func (s *session) granted(ctx context.Context, there found) ([]*role, error) {
	var out []*role
	add := func(in *account.Account, name, path string) error {
		r, err := s.role(ctx, in, name, path)
		if err == nil && r.there && !slices.Contains(out, r) && s.marked(r) {
			out = append(out, r)
		}
		return err
	}
	linked := []string{there.role()}
	if there.association != nil {
		linked = append(linked, there.association.Role, there.association.TargetRole)
	}
	if err := s.reached(linked); err != nil {
		return nil, err
	}
	named := append(linked, s.plan.Spec.Role, s.plan.Spec.TargetRole)
	named = append(named, defaultRoles(s.world.Cluster.Name, s.plan.ID, s.plan.Spec.Account)...)
	for _, in := range []*account.Account{s.world.Home, s.world.Target} {
		if in == nil {
			continue
		}
		for _, text := range named {
			if id, path, name := splitRole(text); name != "" && (id == in.ID || id == "" && in == s.world.Home) {
				if err := add(in, name, path); err != nil {
					return nil, err
				}
			}
		}
		err := s.eachRole(ctx, in, func(r *account.Role) error {
			if strings.Contains(r.Trust, s.plan.ID.sid()) {
				return add(in, r.Name, r.Path)
			}
			return nil
		})
		if account.Denied(err) {
			s.warn("the roles of account %s could not be searched for what an interrupted grant has left: %v", in.ID, err)
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reached refuses to forget a role of an account that there are no credentials for: once the link is gone, nothing leads to it any more.
func (s *session) reached(linked []string) error {
	for _, role := range linked {
		id, _, _ := splitRole(role)
		if id == "" || id == s.world.Home.ID || s.world.Target != nil && id == s.world.Target.ID {
			continue
		}
		name := s.plan.Spec.Account
		return conflict("service account %s has role %s, of an account whose credentials are needed to take it back", name, role).
			hint("podpass revoke -n %s %s --target-profile PROFILE   # a profile of account %s", name.Namespace, name.Name, id)
	}
	return nil
}

// eachRole lists an account's roles once for all plans.
func (p *Planner) eachRole(ctx context.Context, in *account.Account, f func(*account.Role) error) error {
	p.listing.Lock()
	defer p.listing.Unlock()
	all, known := p.listed[in.ID]
	if !known {
		if err := in.Roles().Each(ctx, func(r *account.Role) error { all = append(all, r); return nil }); err != nil {
			return err
		}
		p.listed[in.ID] = all
	}
	for _, r := range all {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) marked(r *role) bool {
	return slices.ContainsFunc(statements(r.trust), s.plan.ID.owns) || r.tags[s.plan.ID.attachedTag()] != "" ||
		slices.ContainsFunc(r.inline, func(name string) bool { return strings.HasPrefix(name, s.plan.ID.inlinePrefix()) })
}

// others reports whether another grant or anybody else is admitted to the role.
func (s *session) others(r *role) bool {
	return slices.ContainsFunc(statements(r.trust), func(one policy.Statement) bool { return !s.plan.ID.owns(one) })
}
