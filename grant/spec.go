package grant

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
)

// Mechanism is how pods of the service account get the role.
type Mechanism string

// Mechanisms. The zero value leaves the choice to what is there: see [Planner.Plan].
const (
	IRSA        Mechanism = "irsa"
	PodIdentity Mechanism = "pod-identity"
)

// ParseMechanism reads a mechanism; "auto" and "" are the zero value.
func ParseMechanism(text string) (Mechanism, error) {
	switch text {
	case "", "auto":
		return "", nil
	case string(IRSA), string(PodIdentity):
		return Mechanism(text), nil
	}
	return "", fmt.Errorf("mechanism %q is none of auto, irsa and pod-identity", text)
}

// Spec is what one service account is to get.
type Spec struct {
	Account   identity.ServiceAccount
	Mechanism Mechanism
	Role      string // name, with its path if it has one, or ARN; "" is the role the account has, else one that is made for it
	RoleOnly  bool   // leave service account, annotation and association alone
	Boundary  string // ARN of the permissions boundary of a role that is made

	// TargetRole, name or ARN, is a role of another account. With Pod Identity the role assumes it; with IRSA pods assume it directly. The policies are its.
	TargetRole string

	Managed   []string          // ARNs, or names of policies of AWS or of the account
	Inline    map[string]string // name -> document
	WellKnown []string          // names of [WellKnownSets]
}

var (
	roleName   = regexp.MustCompile(`^(/?([!-.0-~]+/)*)?[\w+=,.@-]{1,64}$`)
	policyName = regexp.MustCompile(`^[\w+=,.@-]{1,100}$`)
	// managedName may have a path.
	managedName = regexp.MustCompile(`^/?([\w+=,.@-]+/)*[\w+=,.@-]{1,128}$`)
)

// Check reports every mistake that can be seen without looking at the world.
func (s *Spec) Check() error {
	var problems []error
	if _, err := identity.ParseServiceAccount(s.Account.Namespace, s.Account.Name); err != nil {
		problems = append(problems, err)
	}
	for what, role := range map[string]string{"role": s.Role, "target role": s.TargetRole} {
		if strings.ContainsAny(role, "*?$") { // IAM admits them in paths, and policies that name the role would mean others as well
			problems = append(problems, fmt.Errorf("%s %q: *, ? and $ in a role's path would be wildcards in policies", what, role))
			continue
		}
		if strings.HasPrefix(role, "arn:") {
			if _, err := identity.ParseRoleARN(role); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", what, err))
			}
		} else if role != "" && !roleName.MatchString(role) {
			problems = append(problems, fmt.Errorf("%s %q is neither the name nor the ARN of a role", what, role))
		}
	}
	if s.Boundary != "" {
		if arn, err := identity.ParseARN(s.Boundary); err != nil || arn.Service() != "iam" || !strings.HasPrefix(arn.Resource(), "policy/") {
			problems = append(problems, fmt.Errorf("permissions boundary %q is not the ARN of a policy", s.Boundary))
		}
	}
	for _, name := range s.Managed {
		if arn, err := identity.ParseARN(name); strings.HasPrefix(name, "arn:") && (err != nil || arn.Service() != "iam" || !strings.HasPrefix(arn.Resource(), "policy/")) {
			problems = append(problems, fmt.Errorf("%q is not the ARN of a policy", name))
		} else if !strings.HasPrefix(name, "arn:") && !managedName.MatchString(name) {
			problems = append(problems, fmt.Errorf("%q is neither the name nor the ARN of a policy", name))
		}
	}
	for name, document := range s.Inline {
		if !policyName.MatchString(name) {
			problems = append(problems, fmt.Errorf("inline policy %q: a name has 1 to 100 letters, digits and +=,.@_-", name))
		}
		if _, err := policy.Parse(document, policy.Identity); err != nil {
			problems = append(problems, fmt.Errorf("inline policy %s: %w", name, err))
		}
	}
	for _, name := range s.WellKnown {
		if _, err := findWellKnown(name); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// hasPolicies reports whether any policy is asked for.
func (s *Spec) hasPolicies() bool { return len(s.Managed)+len(s.Inline)+len(s.WellKnown) > 0 }

// maxRoleName is IAM's.
const maxRoleName = 64

// defaultRoles are the names of the role made for a service account: CLUSTER-NAMESPACE-NAME, and with the grant's id behind it, cut where it is too long,
// where somebody else has the first: names joined by hyphens are not unique.
func defaultRoles(cluster string, id ID, of identity.ServiceAccount) (names []string) {
	name := cluster + "-" + of.Namespace + "-" + of.Name
	if len(name) <= maxRoleName {
		names = append(names, name)
	}
	return append(names, name[:min(len(name), maxRoleName-1-len(id))]+"-"+string(id))
}

// splitRole takes a role's name, or ARN, apart. account is "" for a name.
func splitRole(text string) (account identity.Account, path, name string) {
	if arn, err := identity.ParseRoleARN(text); err == nil {
		path, name, _ = identity.RoleName(arn)
		return arn.Account(), path, name
	}
	i := strings.LastIndexByte(text, '/')
	if path = text[:i+1]; path != "" && path[0] != '/' {
		path = "/" + path
	}
	return "", path, text[i+1:]
}

// Whole is the spec less the policies it names: Revoke then takes back all of the grant.
func (s Spec) Whole() Spec {
	s.Managed, s.Inline, s.WellKnown = nil, nil, nil
	return s
}
