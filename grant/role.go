package grant

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
)

// role is a role as it will be when everything planned so far is done.
type role struct {
	in       *account.Account
	arn      identity.ARN
	name     string
	there    bool
	made     bool // by a grant: of an earlier run, or by one that is planned
	trust    string
	boundary string
	tags     map[string]string
	attached []string
	inline   []string
	size     int // of the inline policies that are planned, in characters

	admissions []admission // planned, in their order
	fresh      bool        // it is this run that makes it
}

// role reads one, once.
func (p *Planner) role(ctx context.Context, in *account.Account, name, path string) (*role, error) {
	return once(p, p.roles, string(in.ID)+"/"+name, func() (*role, error) {
		r := &role{in: in, name: name, arn: in.ID.IAM(in.Partition, "role"+rooted(path)+name), tags: map[string]string{}}
		found, err := in.Roles().Get(ctx, name)
		if err != nil || found == nil {
			return r, err
		}
		if r.arn, err = identity.ParseARN(found.ARN); err != nil {
			return nil, err
		}
		r.there, r.made, r.trust, r.tags, r.boundary = true, found.Tags[createdBy] == createdHere, found.Trust, found.Tags, found.Boundary
		if r.attached, err = in.Policies().Attached(ctx, name); err != nil {
			return nil, err
		}
		r.inline, err = in.Policies().Inline(ctx, name)
		return r, err
	})
}

func rooted(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// trusts plans the role itself, and that it trusts the service account. chosen says that it has the name we would choose, and nobody asked for it.
func (s *session) trusts(ctx context.Context, r *role, a admission, chosen bool) error {
	if !r.there {
		return s.create(r, a)
	}
	if chosen && !s.marked(r) {
		return conflict("role %s exists, and is not this grant's", r.arn).
			hint("podpass grant -n %s %s --role %s   # and the same flags: adopts it\npodpass grant -n %s %s --role NAME   # or takes another one",
				s.plan.Spec.Account.Namespace, s.plan.Spec.Account.Name, r.name, s.plan.Spec.Account.Namespace, s.plan.Spec.Account.Name)
	}
	if want := s.plan.Spec.Boundary; want != "" && want != r.boundary {
		return conflict("role %s is there, with the permissions boundary %q, and %s is asked for", r.arn, r.boundary, want).
			hint("aws iam put-role-permissions-boundary --role-name %s --permissions-boundary %s", r.name, want)
	}
	next, err := s.withTrust(ctx, r, a)
	if err != nil || next == r.trust {
		return err
	}
	what := "add"
	if slices.ContainsFunc(statements(r.trust), func(one policy.Statement) bool { return strings.TrimSuffix(one.Sid, wrapped) == a.sid() }) {
		what = "replace"
	}
	r.trust, r.admissions = next, append(r.admissions, a)
	s.plan.Documents.Trust[r.arn.String()] = next
	planned := slices.Clone(r.admissions)
	s.step("update", "trust policy", r.arn.String(), what+" statement "+a.sid(), func(ctx context.Context) error {
		return r.in.Roles().EditTrust(ctx, r.name, func(document string) (string, error) {
			// All that this run has added so far: IAM may still answer with what was there before.
			for _, one := range planned {
				var err error
				if document, err = one.add(document); err != nil {
					return "", err
				}
			}
			return document, nil
		})
	})
	s.writing(a.statement(a.sid()))
	return nil
}

// withTrust is the role's trust policy with what it takes, which is nothing where somebody's statement admits the service account already.
func (s *session) withTrust(ctx context.Context, r *role, a admission) (string, error) {
	name, look := s.plan.Spec.Account, "aws iam get-role --role-name "+r.name+" --query Role.AssumeRolePolicyDocument"
	admits, why := a.admitted(r.trust, r.arn.String())
	if admits && !slices.ContainsFunc(statements(r.trust), a.id.owns) {
		return r.trust, nil // what is theirs stays theirs
	}
	next, err := a.add(r.trust)
	if err != nil {
		return "", conflict("trust policy of role %s: %v", r.arn, err).hint("%s", look)
	}
	if next == r.trust {
		if !admits {
			return "", conflict("role %s has a statement for service account %s, and does not trust it all the same: %s", r.arn, name, why).
				hint("%s   # a Deny of somebody else's?", look)
		}
		return next, nil
	}
	if size, quota := policy.Size(next), s.quotasOf(ctx, r.in).Trust; size > quota {
		return "", conflict("trust policy of role %s is full: it has %d characters, with the statement for service account %s %d, and the account's quota is %d",
			r.arn, policy.Size(r.trust), name, size, quota).
			hint("podpass grant -n %s %s --role NAME   # a role of its own\n%s   # or remove what is not needed any more, or ask AWS for a quota of up to 4096", name.Namespace, name.Name, look)
	}
	if admits, why := a.admitted(next, r.arn.String()); !admits {
		if _, err := policy.Parse(r.trust, policy.Trust); err == nil {
			return "", conflict("role %s would not trust service account %s even with a statement for it: %s", r.arn, name, why).hint("%s", look)
		}
		s.warn("trust policy of role %s: %s; only our statement is added, the proof will tell", r.arn, why)
	}
	return next, nil
}

func statements(document string) []policy.Statement {
	all, _, err := policy.Statements(document)
	if err != nil {
		return nil
	}
	return all
}

func (s *session) create(r *role, a admission) error {
	if boundary, err := identity.ParseARN(s.plan.Spec.Boundary); err == nil && boundary.Account() != r.in.ID && boundary.Account() != "aws" {
		return conflict("permissions boundary %s is of account %s, and role %s is to be made in %s", boundary, boundary.Account(), r.name, r.in.ID).
			hint("podpass grant   # the same flags without --permissions-boundary, and a target role that exists")
	}
	r.there, r.made, r.fresh, r.trust, r.tags = true, true, true, a.document(), map[string]string{createdBy: createdHere}
	r.admissions, r.boundary = append(r.admissions, a), s.plan.Spec.Boundary
	n := account.NewRole{
		Name: r.name, Path: pathOf(r.arn), Trust: r.trust, Boundary: s.plan.Spec.Boundary, Tags: maps.Clone(r.tags),
		Description: fmt.Sprintf("Made by podpass grant for service account %s of cluster %s", s.plan.Spec.Account, s.world.Cluster.Name),
	}
	if len(n.Description) > 1000 {
		n.Description = n.Description[:1000]
	}
	s.plan.Documents.NewRoles = append(s.plan.Documents.NewRoles, r.arn.String())
	s.plan.Documents.Trust[r.arn.String()] = r.trust
	s.step("create", "role", r.arn.String(), "trusts service account "+s.plan.Spec.Account.String(), func(ctx context.Context) error {
		_, err := r.in.Roles().Create(ctx, n)
		if !account.Refused(err, "EntityAlreadyExists") {
			return err
		}
		// By the very call, tried again because its first answer was lost.
		if there, failed := r.in.Roles().Get(ctx, n.Name); failed == nil && there != nil && there.Tags[createdBy] == createdHere && sameJSON(there.Trust, n.Trust) {
			return nil
		}
		return err
	})
	s.writing(n.Trust)
	return nil
}

// change does something to the role. A role that was made a moment ago may not be known everywhere in IAM: that is waited for.
func (r *role) change(ctx context.Context, do func(context.Context) error) error {
	err := do(ctx)
	deadline := time.Now().Add(rolePatience)
	for pause := firstPause; r.fresh && account.Absent(err) && time.Now().Before(deadline); pause = min(2*pause, longestPause) {
		if stopped := wait(ctx, pause); stopped != nil {
			return stopped
		}
		err = do(ctx)
	}
	return err
}

func pathOf(arn identity.ARN) string {
	path, _, _ := identity.RoleName(arn)
	return path
}

// allows plans the role's policies.
func (s *session) allows(ctx context.Context, r *role) error {
	spec, cluster := &s.plan.Spec, s.world.Cluster
	managed, inline := slices.Clone(spec.Managed), maps.Clone(spec.Inline)
	if inline == nil {
		inline = map[string]string{}
	}
	for _, name := range spec.WellKnown {
		set, err := findWellKnown(name)
		if err != nil {
			return err
		}
		managed = append(managed, set.Managed...)
		maps.Copy(inline, set.documents(r.in.Partition, r.in.ID, s.world.Home.Region, cluster.Name))
	}
	if err := s.attach(ctx, r, managed); err != nil {
		return err
	}
	return s.inline(ctx, r, inline)
}

// attach records what it attaches before it does, in one tag for all: whoever takes the grant back must not take what was attached by others.
func (s *session) attach(ctx context.Context, r *role, names []string) error {
	id, recorded := s.plan.ID, attachedOf(r.tags, s.plan.ID)
	marks := map[string]bool{} // of what is still there: somebody may have detached it
	for _, arn := range r.attached {
		if mark := attachedMark(arn); recorded[mark] {
			marks[mark] = true
		}
	}
	var missing []string
	for _, name := range names {
		arn, err := s.policyARN(ctx, r.in, name)
		if err != nil {
			return err
		}
		if !slices.Contains(s.plan.Documents.Attached[r.arn.String()], arn) {
			s.plan.Documents.Attached[r.arn.String()] = append(s.plan.Documents.Attached[r.arn.String()], arn)
		}
		byGrant := attachedByOthers(r.tags, id, arn) // what another grant attached is this one's as well
		if !slices.Contains(r.attached, arn) {
			r.attached = append(r.attached, arn)
			missing, byGrant = append(missing, arn), true
		}
		if byGrant {
			marks[attachedMark(arn)] = true
		}
	}
	if quota := s.quotasOf(ctx, r.in).Attached; len(r.attached) > quota && len(missing) > 0 {
		return conflict("role %s would have %d managed policies, and the account's quota is %d", r.arn, len(r.attached), quota).
			hint("aws iam list-attached-role-policies --role-name %s\npodpass grant --policy-file FILE   # an inline policy instead, or ask AWS for a quota of up to 20", r.name)
	}
	if attachedValue(marks) != attachedValue(recorded) {
		tag := map[string]string{id.attachedTag(): attachedValue(marks)}
		maps.Copy(r.tags, tag)
		s.step("tag", "role", r.arn.String(), id.attachedTag()+": what is attached by this grant", func(ctx context.Context) error {
			return r.change(ctx, func(ctx context.Context) error { return r.in.Roles().Tag(ctx, r.name, tag) })
		})
	}
	for _, arn := range missing {
		s.step("attach", "policy", arn, "to role "+r.name, func(ctx context.Context) error {
			return r.change(ctx, func(ctx context.Context) error { return r.in.Policies().Attach(ctx, r.name, arn) })
		})
	}
	return nil
}

func (s *session) inline(ctx context.Context, r *role, documents map[string]string) error {
	written := map[string]string{}
	for _, short := range slices.Sorted(maps.Keys(documents)) {
		document, name := documents[short], s.plan.ID.inlineName(short)
		written[name] = document
		if r.size += policy.Size(document); r.size > policy.MaxInlineTotal {
			return conflict("the inline policies of role %s would have %d characters together, and IAM takes %d", r.arn, r.size, policy.MaxInlineTotal).
				hint("aws iam create-policy --policy-name NAME --policy-document file://FILE   # managed policies have room of their own: --policy NAME")
		}
		action := "create"
		if slices.Contains(r.inline, name) {
			there, err := r.in.Policies().Document(ctx, r.name, name)
			if err != nil {
				return err
			}
			if sameJSON(there, document) {
				continue
			}
			action = "update"
		} else {
			r.inline = append(r.inline, name)
		}
		s.step(action, "inline policy", name, fmt.Sprintf("of role %s, %d characters", r.name, policy.Size(document)), func(ctx context.Context) error {
			return r.change(ctx, func(ctx context.Context) error { return r.in.Policies().Put(ctx, r.name, name, document) })
		})
		s.writing(document)
	}
	if s.plan.Documents.RoleTags[r.arn.String()] = maps.Clone(r.tags); len(written) > 0 {
		known := s.plan.Documents.Inline[r.arn.String()]
		if known == nil {
			known = map[string]string{}
			s.plan.Documents.Inline[r.arn.String()] = known
		}
		maps.Copy(known, written)
	}
	return nil
}

func sameJSON(a, b string) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, []byte(a)) == nil && json.Compact(&y, []byte(b)) == nil && strings.TrimSpace(x.String()) == strings.TrimSpace(y.String())
}
