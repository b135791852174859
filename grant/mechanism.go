package grant

import (
	"context"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/identity"
)

// pick says which role of which account is meant. chosen: nobody named it, and it does not come from what the service account has. Then it is a new one, or
// one that bears this grant's mark: that of another service account, whose names happen to make the same one, is left alone.
func (s *session) pick(ctx context.Context, in *account.Account, asked, has string) (r *role, chosen bool, err error) {
	name := s.plan.Spec.Account
	if has != "" {
		there, err := identity.ParseRoleARN(has)
		if err != nil {
			return nil, false, conflict("service account %s names a role that is none: %v", name, err).
				hint("kubectl annotate serviceaccount -n %s %s %s-   # removes the annotation", name.Namespace, name.Name, roleAnnotation)
		}
		account, _, other := splitRole(asked)
		if asked != "" && (other != there.ResourceName() || account != "" && account != there.Account()) {
			return nil, false, conflict("service account %s has role %s already, and %s is asked for", name, there, asked).
				hint("podpass grant -n %s %s   # without --role: the role it has gets the permission\npodpass revoke -n %s %s   # or first take away what it has", name.Namespace, name.Name, name.Namespace, name.Name)
		}
		asked = has
	}
	if asked == "" {
		for _, name := range defaultRoles(s.world.Cluster.Name, s.plan.ID, name) {
			if r, err = s.role(ctx, in, name, ""); err != nil || !r.there || s.marked(r) {
				break
			}
		}
		return r, true, err
	}
	account, path, base := splitRole(asked)
	if account != "" && account != in.ID {
		return nil, false, conflict("role %s is of account %s, and these are credentials for account %s (%s)", asked, account, in.ID, in.Caller).
			hint("podpass grant -n %s %s --target-role %s --target-profile PROFILE   # a role of another account, with credentials for it\naws sts get-caller-identity   # or are these the wrong ones?", name.Namespace, name.Name, asked)
	}
	if r, err = s.role(ctx, in, base, path); err != nil {
		return nil, false, err
	}
	if r.there && path != "" && pathOf(r.arn) != path {
		return nil, false, conflict("account %s has a role %s, not %s", in.ID, r.arn, asked).hint("podpass grant -n %s %s --role %s   # and the same flags", name.Namespace, name.Name, r.arn)
	}
	return r, false, nil
}

// planIRSA: provider, role, policies, annotation. A target role is then the role itself, in its own account, with a provider there.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/cross-account-access.html
func (s *session) planIRSA(ctx context.Context, there found) error {
	in, asked := s.world.Home, s.plan.Spec.Role
	if s.plan.Spec.TargetRole != "" {
		if asked != "" {
			return conflict("with IRSA pods assume the target role directly, so that there is no other").hint("podpass grant --target-role %s   # and the same flags, without --role", s.plan.Spec.TargetRole)
		}
		if in, asked = s.world.Target, s.plan.Spec.TargetRole; in == nil {
			return s.noTarget(asked)
		}
	} else if there.role() != "" && s.world.Target != nil {
		if account, _, _ := splitRole(there.role()); account == s.world.Target.ID {
			in = s.world.Target // it was granted with --target-role before
		}
	}
	r, chosen, err := s.pick(ctx, in, asked, there.role())
	if err != nil {
		return err
	}
	s.plan.Role = r.arn
	s.plan.Audience = there.audience()
	provider, err := s.provider(ctx, in)
	if err != nil {
		return err
	}
	admit := viaIRSA(s.plan.ID, s.world.Cluster.Issuer, provider, s.plan.Audience, s.plan.Spec.Account)
	if asked == "" && there.role() != "" {
		if err := s.mayAdopt(r, admit); err != nil {
			return err
		}
	}
	if err := s.trusts(ctx, r, admit, chosen); err != nil {
		return err
	}
	if err := s.allows(ctx, r); err != nil {
		return err
	}
	s.plan.Documents.Annotation = r.arn.String()
	if !s.plan.Spec.RoleOnly {
		s.annotate(r.arn, there)
	}
	return nil
}

// mayAdopt refuses a role that the annotation alone names. Whoever may edit a namespace may write an annotation: it must not open a role that does not trust
// the service account already.
func (s *session) mayAdopt(r *role, a admission) error {
	admits, _ := a.admitted(r.trust, r.arn.String())
	if r.there && (admits || s.marked(r)) {
		return nil
	}
	name := s.plan.Spec.Account
	return conflict("service account %s is annotated with role %s, which does not trust it, and an annotation is anybody's who may edit the namespace", name, r.arn).
		hint("podpass grant -n %s %s --role %s   # and the same flags, if that is the role it is to have\nkubectl annotate serviceaccount -n %s %s %s-   # removes the annotation",
			name.Namespace, name.Name, r.arn, name.Namespace, name.Name, roleAnnotation)
}

func (s *session) annotate(role identity.ARN, there found) {
	name, service := s.plan.Spec.Account, s.world.Service
	link := map[string]string{roleAnnotation: role.String(), grantedRole: role.String()}
	switch {
	case there.account == nil:
		link[createdBy] = createdHere
		s.step("create", "service account", name.String(), roleAnnotation+": "+role.String(), func(ctx context.Context) error {
			if err := service.Create(ctx, name, link); err != nil {
				return err
			}
			delete(link, createdBy)
			return service.Annotate(ctx, name, link) // where somebody else made it just now
		})
	case there.role() != role.String():
		s.step("update", "service account", name.String(), roleAnnotation+": "+role.String(), func(ctx context.Context) error {
			return service.Annotate(ctx, name, link)
		})
	}
}

// planPodIdentity: role, policies, with a target role that one and the way to it, association, service account.
func (s *session) planPodIdentity(ctx context.Context, there found) error {
	has, target := "", s.plan.Spec.TargetRole
	if there.association != nil {
		has = there.association.Role
		if err := s.checkAssociation(there.association); err != nil {
			return err
		}
		target = there.association.TargetRole
	}
	r, chosen, err := s.pick(ctx, s.world.Home, s.plan.Spec.Role, has)
	if err != nil {
		return err
	}
	s.plan.Role = r.arn
	admit := viaPodIdentity(s.plan.ID, s.world.Cluster.ARN, s.plan.Spec.Account)
	if there.association != nil && there.association.DisableSessionTags {
		s.warn("association %s sends no session tags: the trust policy's conditions on them cannot hold", there.association.ID)
	}
	if err := s.trusts(ctx, r, admit, chosen); err != nil {
		return err
	}
	if target == "" {
		err = s.allows(ctx, r)
	} else {
		err = s.planTarget(ctx, r, target)
	}
	if err != nil || s.plan.Spec.RoleOnly {
		return err
	}
	s.associate(r.arn, there)
	return nil
}

func (s *session) checkAssociation(a *account.Association) error {
	name, asked := s.plan.Spec.Account, s.plan.Spec.TargetRole
	if a.Owner != "" {
		s.warn("association %s belongs to the add-on %s", a.ID, a.Owner)
	}
	if asked == "" {
		return nil
	}
	id, _, base := splitRole(asked)
	has, err := identity.ParseRoleARN(a.TargetRole)
	if err != nil || has.ResourceName() != base || id != "" && has.Account() != id {
		return conflict("service account %s has association %s with target role %q, and %s is asked for", name, a.ID, a.TargetRole, asked).
			hint("podpass association update -n %s %s --target-role %s   # or podpass revoke -n %s %s first", name.Namespace, name.Name, asked, name.Namespace, name.Name)
	}
	return nil
}

// planTarget plans the second hop: the first role may assume the target, the target trusts it for this service account only, and has the policies.
func (s *session) planTarget(ctx context.Context, first *role, asked string) error {
	in := s.world.Target
	if id, _, _ := splitRole(asked); in == nil && id == s.world.Home.ID {
		in = s.world.Home
	}
	if in == nil {
		return s.noTarget(asked)
	}
	target, _, err := s.pick(ctx, in, asked, "")
	if err != nil {
		return err
	}
	if target == first {
		return conflict("role %s cannot be its own target", target.arn).hint("podpass grant --role NAME   # and the same flags: another first role")
	}
	s.plan.TargetRole = target.arn
	hop := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"` + target.arn.String() + `"}]}`
	if err := s.inline(ctx, first, map[string]string{"target": hop}); err != nil {
		return err
	}
	if err := s.trusts(ctx, target, viaRole(s.plan.ID, first.arn, s.world.Cluster.ARN, s.plan.Spec.Account), false); err != nil {
		return err
	}
	return s.allows(ctx, target)
}

func (s *session) noTarget(role string) error {
	name := s.plan.Spec.Account
	return conflict("target role %s is of another account, whose credentials are needed to make it trust the service account", role).
		hint("podpass grant -n %s %s --target-role %s --target-profile PROFILE   # a profile of that account", name.Namespace, name.Name, role)
}

func (s *session) associate(role identity.ARN, there found) {
	name, service, cluster := s.plan.Spec.Account, s.world.Service, s.world.Cluster.Name
	if there.association == nil {
		a := account.Association{ServiceAccount: name, Role: role.String(), TargetRole: s.plan.TargetRole.String(), Tags: map[string]string{createdBy: createdHere}}
		s.plan.Documents.Association = &a
		detail := "role " + role.String()
		if a.TargetRole != "" {
			detail += ", then " + a.TargetRole
		}
		home := s.world.Home
		s.step("create", "association", cluster+": "+name.String(), detail, func(ctx context.Context) error {
			return createAssociation(ctx, home, cluster, a)
		})
	}
	if there.account == nil {
		s.step("create", "service account", name.String(), "", func(ctx context.Context) error {
			return service.Create(ctx, name, map[string]string{createdBy: createdHere})
		})
	}
}
