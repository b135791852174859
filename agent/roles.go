package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/podpass/podpass/identity"
)

// Roles says which role a service account's pods get where no association does. The first rule that matches counts.
type Roles []roleRule

type roleRule struct {
	of   identity.Globs
	role identity.ARN
}

// OneRole is for every service account.
func OneRole(role identity.ARN) Roles {
	return Roles{{of: identity.Globs{Namespace: "*", ServiceAccount: "*"}, role: role}}
}

// Role is false of a service account that has none.
func (r Roles) Role(sa identity.ServiceAccount) (identity.ARN, bool) {
	for _, rule := range r {
		if rule.of.Match(sa) {
			return rule.role, true
		}
	}
	return identity.ARN{}, false
}

// ParseRoles reads a map in the form of the EKS webhook's ConfigMap, {"NAMESPACE/SERVICEACCOUNT":{"RoleARN":"arn:…"}}; what else an entry holds is
// the webhook's. Beyond the webhook's "*" for a namespace both may be globs. Of several that match the order is that of associations.
func ParseRoles(text []byte) (Roles, error) {
	var in map[string]struct{ RoleARN identity.ARN }
	if err := json.Unmarshal(text, &in); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok { // its text names the type here
			err = fmt.Errorf("a JSON %s stands before byte %d", wrong.Value, wrong.Offset)
		}
		return nil, fmt.Errorf(`role map is not {"NAMESPACE/SERVICEACCOUNT":{"RoleARN":"arn:aws:iam::ACCOUNT:role/NAME"}}: %w`, err)
	}
	var roles Roles
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
		roles = append(roles, roleRule{identity.Globs{Namespace: namespace, ServiceAccount: account}, value.RoleARN})
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(errs...)
	}
	slices.SortFunc(roles, func(a, b roleRule) int { return a.of.Compare(b.of) })
	return roles, nil
}
