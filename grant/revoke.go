package grant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/podpass/podpass/policy"
)

// Revoke plans the way back of what grants have made for a service account: of all of it, or, where the spec names policies, of these alone. The service
// account loses its permissions first, then the role's trust, then what links it to the role; a role that a grant made goes last, and its link
// stays until then, so that what was interrupted is found again.
func (p *Planner) Revoke(ctx context.Context, spec Spec) (*Plan, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	there, err := p.find(ctx, spec.Account)
	if err != nil {
		return nil, err
	}
	s := &session{Planner: p, plan: &Plan{Spec: spec, ID: NewID(p.world.Cluster.Issuer.String(), spec.Account)}}
	roles, err := s.granted(ctx, there)
	if err != nil {
		return nil, err
	}
	if len(roles) > 0 {
		s.plan.Role = roles[0].arn
	}
	if spec.hasPolicies() {
		return s.plan, s.revokePolicies(ctx, roles)
	}
	for _, r := range roles {
		if err := s.disallow(ctx, r); err != nil {
			return nil, err
		}
	}
	s.unlink(there)
	for _, r := range roles {
		s.unmake(r)
	}
	return s.plan, s.revokeProviders(ctx)
}

// mine are the managed policies that this grant has attached and nobody else needs.
func (s *session) mine(r *role) (arns []string) {
	marks := attachedOf(r.tags, s.plan.ID)
	for _, arn := range r.attached {
		switch {
		case !marks[attachedMark(arn)]:
			s.plan.Kept = append(s.plan.Kept, "policy "+arn+" of role "+r.name+": not attached by this grant")
		case attachedByOthers(r.tags, s.plan.ID, arn):
			s.plan.Kept = append(s.plan.Kept, "policy "+arn+" of role "+r.name+": another grant has it, too")
		default:
			arns = append(arns, arn)
		}
	}
	return arns
}

// disallow takes away this grant's permissions and, of a role that stays, its trust.
func (s *session) disallow(ctx context.Context, r *role) error {
	for _, arn := range s.mine(r) {
		s.detach(r, arn)
	}
	for _, name := range r.inline {
		if strings.HasPrefix(name, s.plan.ID.inlinePrefix()) {
			s.deleteInline(r, name)
		} else if r.made {
			s.plan.Kept = append(s.plan.Kept, "inline policy "+name+" of role "+r.name+": not of this grant")
		}
	}
	if tag := s.plan.ID.attachedTag(); r.tags[tag] != "" {
		delete(r.tags, tag)
		s.step("untag", "role", r.arn.String(), tag, func(ctx context.Context) error { return r.in.Roles().Untag(ctx, r.name, tag) })
	}
	if r.made && !s.others(r) && len(r.attached)+len(r.inline) == 0 {
		return nil // its trust goes with the role
	}
	return s.distrust(r)
}

func (s *session) distrust(r *role) error {
	next, found, err := s.plan.ID.remove(r.trust)
	if err != nil {
		return conflict("trust policy of role %s: %v", r.arn, err).hint("aws iam get-role --role-name %s --query Role.AssumeRolePolicyDocument", r.name)
	}
	if !found {
		return nil
	}
	r.trust = next
	detail := "remove statement " + s.plan.ID.sid()
	if strings.Contains(next, revoked+string(s.plan.ID)) {
		detail = "deny everybody: a trust policy must have a statement, and it would have no other"
	}
	s.step("update", "trust policy", r.arn.String(), detail, func(ctx context.Context) error {
		return r.in.Roles().EditTrust(ctx, r.name, func(document string) (string, error) {
			out, _, err := s.plan.ID.remove(document)
			return out, err
		})
	})
	return nil
}

func (s *session) detach(r *role, arn string) {
	r.attached = slices.DeleteFunc(slices.Clone(r.attached), func(one string) bool { return one == arn })
	s.step("detach", "policy", arn, "from role "+r.name, func(ctx context.Context) error { return r.in.Policies().Detach(ctx, r.name, arn) })
}

func (s *session) deleteInline(r *role, name string) {
	r.inline = slices.DeleteFunc(slices.Clone(r.inline), func(one string) bool { return one == name })
	s.step("delete", "inline policy", name, "of role "+r.name, func(ctx context.Context) error { return r.in.Policies().Delete(ctx, r.name, name) })
}

// unlink removes association, annotation and service account, each only where a grant has made it.
func (s *session) unlink(there found) {
	name, service, cluster, home := s.plan.Spec.Account, s.world.Service, s.world.Cluster.Name, s.world.Home
	if a := there.association; a != nil && a.Tags[createdBy] == createdHere {
		s.step("delete", "association", cluster+": "+name.String(), a.ID+", role "+a.Role, func(ctx context.Context) error {
			return home.Associations().Delete(ctx, cluster, a.ID)
		})
	} else if a != nil {
		s.plan.Kept = append(s.plan.Kept, "association "+a.ID+" of "+name.String()+": not made by a grant")
	}
	if there.account == nil {
		return
	}
	granted := there.account.Annotations[grantedRole]
	switch role := there.role(); {
	case there.account.Annotations[createdBy] == createdHere && role == granted:
		s.step("delete", "service account", name.String(), "unless it is used", func(ctx context.Context) error {
			kept, err := service.Delete(ctx, name)
			if err == nil && kept != "" {
				s.plan.Kept = append(s.plan.Kept, "service account "+name.String()+": "+kept)
				if granted != "" {
					err = service.Annotate(ctx, name, nil, roleAnnotation, grantedRole)
				}
			}
			return err
		})
	case granted != "" && role == granted:
		s.step("update", "service account", name.String(), "remove the annotation "+roleAnnotation, func(ctx context.Context) error {
			return service.Annotate(ctx, name, nil, roleAnnotation, grantedRole)
		})
	case granted != "":
		s.step("update", "service account", name.String(), "remove the annotation "+grantedRole, func(ctx context.Context) error {
			return service.Annotate(ctx, name, nil, grantedRole)
		})
		fallthrough
	case role != "":
		s.plan.Kept = append(s.plan.Kept, "annotation "+roleAnnotation+": "+role+" of service account "+name.String()+": not set by a grant")
	}
}

// unmake deletes a role that a grant made, unless somebody else uses it by now: that is looked at once more at the last moment.
func (s *session) unmake(r *role) {
	switch {
	case !r.made:
		s.keep("role %s: not made by a grant", r.arn)
	case s.others(r):
		s.keep("role %s: it trusts others, too", r.arn)
	case len(r.attached)+len(r.inline) > 0:
		s.keep("role %s: it has policies that others gave it", r.arn)
	default:
		r.there = false
		id := s.plan.ID
		s.step("delete", "role", r.arn.String(), "", func(ctx context.Context) error {
			now, err := r.in.Roles().Get(ctx, r.name)
			if err != nil || now == nil {
				return err
			}
			if slices.ContainsFunc(statements(now.Trust), func(one policy.Statement) bool { return !id.owns(one) }) {
				s.keep("role %s: it trusts others by now", r.arn)
				return r.in.Roles().EditTrust(ctx, r.name, func(document string) (string, error) {
					out, _, err := id.remove(document)
					return out, err
				})
			}
			return r.in.Roles().Delete(ctx, r.name)
		})
	}
}

func (s *session) keep(format string, args ...any) {
	s.plan.Kept = append(s.plan.Kept, fmt.Sprintf(format, args...))
}

// revokePolicies takes away single policies and leaves everything else.
func (s *session) revokePolicies(ctx context.Context, roles []*role) error {
	spec := &s.plan.Spec
	for _, r := range roles {
		managed := slices.Clone(spec.Managed)
		var short []string
		for name := range spec.Inline {
			short = append(short, name)
		}
		for _, name := range spec.WellKnown {
			set, err := findWellKnown(name)
			if err != nil {
				return err
			}
			managed = append(managed, set.Managed...)
			for name := range set.Inline {
				short = append(short, name)
			}
		}
		mine, marks := s.mine(r), attachedOf(r.tags, s.plan.ID)
		for _, name := range managed {
			arn, err := s.policyARN(ctx, r.in, name)
			if err != nil {
				return err
			}
			if slices.Contains(mine, arn) {
				s.detach(r, arn)
			}
			delete(marks, attachedMark(arn))
		}
		slices.Sort(short)
		for _, name := range short {
			if full := s.plan.ID.inlineName(name); slices.Contains(r.inline, full) {
				s.deleteInline(r, full)
			}
		}
		s.retag(r, marks)
	}
	return nil
}

// retag records what is still attached, once the rest is detached.
func (s *session) retag(r *role, marks map[string]bool) {
	tag, value := s.plan.ID.attachedTag(), attachedValue(marks)
	switch {
	case value == r.tags[tag]:
	case value == "":
		s.step("untag", "role", r.arn.String(), tag, func(ctx context.Context) error { return r.in.Roles().Untag(ctx, r.name, tag) })
	default:
		s.step("tag", "role", r.arn.String(), tag+": what is still attached by this grant", func(ctx context.Context) error {
			return r.in.Roles().Tag(ctx, r.name, map[string]string{tag: value})
		})
	}
	r.tags[tag] = value
}
