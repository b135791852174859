package agent

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/podpass/podpass/identity"
)

// Roles says which role a service account's pods get where no association does.
type Roles interface {
	// Role is false of a service account that has none.
	Role(identity.ServiceAccount) (identity.ARN, bool)
}

// OneRole is for every service account.
func OneRole(role identity.ARN) Roles { return roleMap{{namespace: "*", account: "*", role: role}} }

// roleMap is in the order in which it is tried.
type roleMap []roleRule

type roleRule struct {
	namespace, account string // names or globs
	role               identity.ARN
}

func (m roleMap) Role(sa identity.ServiceAccount) (identity.ARN, bool) {
	for _, r := range m {
		if identity.Glob(r.namespace, sa.Namespace) && identity.Glob(r.account, sa.Name) {
			return r.role, true
		}
	}
	return identity.ARN{}, false
}

// ParseRoles reads a map in the form of the EKS webhook's ConfigMap, {"NAMESPACE/SERVICEACCOUNT":{"RoleARN":"arn:…"}}; what else an entry holds is
// the webhook's. Beyond the webhook's "*" for a namespace both may be globs. Of several that match the order is that of associations: the
// namespace counts before the service account; in each a name goes before a glob, and of two globs the one with more literal characters.
func ParseRoles(text []byte) (Roles, error) {
	var in map[string]struct{ RoleARN identity.ARN }
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf(`role map is not {"NAMESPACE/SERVICEACCOUNT":{"RoleARN":"arn:aws:iam::ACCOUNT:role/NAME"}}: %w`, err)
	}
	var m roleMap
	var errs []error
	for name, value := range in {
		namespace, account, _ := strings.Cut(name, "/")
		_, _, isRole := identity.RoleName(value.RoleARN)
		switch err := identity.CheckGlobs(namespace, account); {
		case err != nil:
			errs = append(errs, fmt.Errorf("role map, %q: %w", name, err))
		case !isRole:
			errs = append(errs, fmt.Errorf("role map, %q: RoleARN %q is not a role's", name, value.RoleARN))
		}
		m = append(m, roleRule{namespace, account, value.RoleARN})
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(errs...)
	}
	slices.SortFunc(m, func(a, b roleRule) int {
		return cmp.Or(compareGlobs(a.namespace, b.namespace), compareGlobs(a.account, b.account),
			strings.Compare(a.namespace, b.namespace), strings.Compare(a.account, b.account))
	})
	return m, nil
}

func compareGlobs(a, b string) int {
	literals := func(glob string) int { return len(glob) - strings.Count(glob, "*") - strings.Count(glob, "?") }
	if globs := identity.IsGlob(a); globs != identity.IsGlob(b) {
		if globs {
			return 1
		}
		return -1
	}
	return cmp.Compare(literals(b), literals(a))
}
