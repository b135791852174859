package grant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/identity"
)

// Step is one change of the world, done by one or two calls. Doing it again is harmless.
type Step struct {
	Action string `json:"action"` // "create", "update", "delete"; "attach", "detach"; "tag", "untag"
	Kind   string `json:"kind"`   // "role", "trust policy", "policy", "inline policy", "OIDC provider", "association", "service account"
	Object string `json:"object"`
	Detail string `json:"detail,omitempty"`

	// Document is the policy document, or the statement of one, that the step writes.
	Document json.RawMessage `json:"document,omitempty"`

	do func(ctx context.Context) error
}

func (s Step) String() string {
	text := s.Action + " " + s.Kind + " " + s.Object
	if s.Detail != "" {
		text += " (" + s.Detail + ")"
	}
	return text
}

// Plan is what is missing for a grant, or, of Revoke, what is to go.
type Plan struct {
	Spec       Spec
	ID         ID
	Mechanism  Mechanism
	Why        string // the mechanism
	Audience   string // of the tokens that IRSA exchanges
	Role       identity.ARN
	TargetRole identity.ARN // zero: none
	Steps      []Step
	Kept       []string // what Revoke leaves, and why
	Warnings   []string

	Documents Documents
}

// Documents are what the plan comes to, for those who apply it by other means.
type Documents struct {
	Trust       map[string]string            // role ARN -> its whole trust policy, where that changes
	Inline      map[string]map[string]string // role ARN -> name -> document
	Attached    map[string][]string          // role ARN -> policy ARNs
	NewRoles    []string                     // ARNs
	Provider    bool                         // the issuer's OIDC provider is to be made in the role's account
	Audience    bool                         // it is there, and is to take the audience
	RoleTags    map[string]map[string]string // role ARN -> tags that are set
	Annotation  string                       // role ARN for the service account, or ""
	Association *account.Association         // to be made, or nil
}

// session is a plan in the making.
type session struct {
	*Planner
	plan *Plan
}

func (s *session) step(action, kind, object, detail string, do func(context.Context) error) {
	s.plan.Steps = append(s.plan.Steps, Step{Action: action, Kind: kind, Object: object, Detail: detail, do: do})
}

// writing says which document the last step writes.
func (s *session) writing(document string) {
	s.plan.Steps[len(s.plan.Steps)-1].Document = json.RawMessage(document)
}

func (s *session) warn(format string, args ...any) {
	s.plan.Warnings = append(s.plan.Warnings, fmt.Sprintf(format, args...))
}

// Plan reads what there is of one grant. With no mechanism given it is the one the account has already; else Pod Identity where the cluster's account
// has an EKS cluster and agents run on its nodes; else IRSA.
func (p *Planner) Plan(ctx context.Context, spec Spec) (*Plan, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	there, err := p.find(ctx, spec.Account)
	if err != nil {
		return nil, err
	}
	s := &session{Planner: p, plan: &Plan{Spec: spec, ID: NewID(p.world.Cluster.Issuer.String(), spec.Account)}}
	s.plan.Documents = Documents{Trust: map[string]string{}, RoleTags: map[string]map[string]string{}, Inline: map[string]map[string]string{}, Attached: map[string][]string{}}
	if err := s.chooseMechanism(there); err != nil {
		return nil, err
	}
	if err := s.checkAccount(ctx, there); err != nil {
		return nil, err
	}
	if s.plan.Mechanism == IRSA {
		err = s.planIRSA(ctx, there)
	} else {
		err = s.planPodIdentity(ctx, there)
	}
	return s.plan, err
}

// chooseMechanism goes by what is asked for, then by what the service account has, then by what the cluster can do.
func (s *session) chooseMechanism(there found) error {
	asked, plan, cluster := s.plan.Spec.Mechanism, s.plan, s.world.Cluster
	name := s.plan.Spec.Account
	switch {
	case there.association != nil && there.role() != "" && asked == "":
		s.warn("service account %s has both an association and the annotation %s: pods get the association's role", name, roleAnnotation)
		fallthrough
	case there.association != nil && asked == "":
		plan.Mechanism, plan.Why = PodIdentity, "the service account has an association"
	case there.association != nil && asked == IRSA:
		return conflict("service account %s has association %s, which goes before an annotation: pods would not get the role by IRSA", name, there.association.ID).
			hint("podpass revoke -n %s %s   # or leave --mechanism away: the association's role gets the permission", name.Namespace, name.Name)
	case there.role() != "" && asked == "":
		plan.Mechanism, plan.Why = IRSA, "the service account has the annotation "+roleAnnotation
	case there.role() != "" && asked == PodIdentity && !s.plan.Spec.RoleOnly:
		return conflict("service account %s has the annotation %s: %s", name, roleAnnotation, there.role()).
			hint("podpass grant -n %s %s   # without --mechanism: the annotation's role gets the permission\npodpass revoke -n %s %s   # or first take away what it has", name.Namespace, name.Name, name.Namespace, name.Name)
	case asked == PodIdentity && cluster.ARN == "":
		return conflict("Pod Identity needs a cluster that the account's EKS API knows, and it knows none with the issuer %s", cluster.Issuer).
			hint("podpass grant -n %s %s --mechanism irsa   # and the same flags\naws eks list-clusters   # is it another region's, or another account's?", name.Namespace, name.Name)
	case asked == PodIdentity:
		plan.Mechanism, plan.Why = PodIdentity, "asked for"
		if len(cluster.Agents) == 0 {
			s.warn("no agent serves Pod Identity on the cluster's nodes: aws eks create-addon --cluster-name %s --addon-name eks-pod-identity-agent, or podpass install", cluster.Name)
		}
	case asked == IRSA:
		plan.Mechanism, plan.Why = IRSA, "asked for"
	case cluster.ARN == "":
		plan.Mechanism, plan.Why = IRSA, "the account's EKS API does not know the cluster"
	case len(cluster.Agents) == 0:
		plan.Mechanism, plan.Why = IRSA, "no agent serves Pod Identity on the cluster's nodes"
	default:
		plan.Mechanism, plan.Why = PodIdentity, "served by "+cluster.Agents[0]
	}
	return nil
}

// checkAccount looks at the service account before anything of the account is looked at, and warns of what will undo the change.
func (s *session) checkAccount(ctx context.Context, there found) error {
	if s.plan.Spec.RoleOnly {
		return nil
	}
	name := s.plan.Spec.Account
	if there.account == nil {
		exists, err := s.world.Service.HasNamespace(ctx, name.Namespace)
		if err != nil {
			return err
		}
		if !exists {
			return conflict("there is no namespace %s", name.Namespace).
				hint("kubectl create namespace %s\npodpass grant -n %s %s --role-only   # and the same flags: the role first, the service account later", name.Namespace, name.Namespace, name.Name)
		}
		return nil
	}
	if s.plan.Mechanism == IRSA && there.account.Owner != "" && there.role() == "" {
		s.warn("service account %s is kept by %s, whose next sync undoes the annotation: put it into its values or manifest, %s: the role's ARN (--output-dir writes it), "+
			"or use Pod Identity, which needs no annotation", name, there.account.Owner, roleAnnotation)
	}
	return nil
}

// provider plans the issuer's OIDC provider in the account of a role.
func (s *session) provider(ctx context.Context, in *account.Account) (arn string, err error) {
	issuer, audience := s.world.Cluster.Issuer, s.plan.Audience
	arn = issuer.ProviderARN(in.Partition, in.ID).String()
	found, err := s.providerOf(ctx, in, arn)
	switch {
	case err != nil:
		return "", err
	case found == nil:
		s.plan.Documents.Provider = true
		s.step("create", "OIDC provider", arn, "audience "+audience, func(ctx context.Context) error {
			return in.Providers().Create(ctx, issuer.String(), audience, map[string]string{createdBy: createdHere})
		})
	case !slices.Contains(found.Audiences, audience):
		s.plan.Documents.Audience = true
		s.step("update", "OIDC provider", arn, "take audience "+audience+" too", func(ctx context.Context) error {
			return in.Providers().AddAudience(ctx, arn, audience)
		})
	}
	return arn, nil
}
