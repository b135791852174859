package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/webhook"
)

// parseMappings reads the ConfigMap's data key: {"NAMESPACE/NAME": {"RoleARN": ..., "Audience": ..., "UseRegionalSTS": ..., "TokenExpiration": ...}}.
// Fields of other names are nobody's mistake: a later version may know them.
func parseMappings(text []byte) (*table[webhook.Mapping], error) {
	var read map[string]*webhook.Mapping
	if err := decode(text, &read); err != nil {
		return nil, err
	}
	var entries []entry[webhook.Mapping]
	var problems []error
	for name, mapping := range read {
		namespace, account, ok := strings.Cut(name, "/")
		globs := identity.Globs{Namespace: namespace, ServiceAccount: account}
		switch {
		case !ok:
			problems = append(problems, fmt.Errorf("%q is not NAMESPACE/NAME", name))
		case mapping == nil:
			problems = append(problems, fmt.Errorf("%q has no value", name))
		case mapping.TokenExpiration < 0:
			problems = append(problems, fmt.Errorf("%q: TokenExpiration is negative", name))
		default:
			if err := identity.CheckGlobs(namespace, account); err != nil {
				problems = append(problems, fmt.Errorf("%q: %w", name, err))
				continue
			}
			entries = append(entries, entry[webhook.Mapping]{globs, *mapping})
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return newTable(entries), errors.Join(problems...)
}

// parseIdentities reads {"identities": [{"namespace": ..., "serviceAccount": ...}]}.
func parseIdentities(text []byte) (*table[struct{}], error) {
	var read struct {
		Identities []struct{ Namespace, ServiceAccount string }
	}
	if err := decode(text, &read); err != nil {
		return nil, err
	}
	var entries []entry[struct{}]
	var problems []error
	for i, named := range read.Identities {
		if err := identity.CheckGlobs(named.Namespace, named.ServiceAccount); err != nil {
			problems = append(problems, fmt.Errorf("identities[%d]: %w", i, err))
		}
		entries = append(entries, entry[struct{}]{globs: identity.Globs{Namespace: named.Namespace, ServiceAccount: named.ServiceAccount}})
	}
	return newTable(entries), errors.Join(problems...)
}

// decode takes nothing for an empty configuration: so it is where it was never written.
func decode(text []byte, into any) error {
	if strings.TrimSpace(string(text)) == "" {
		return nil
	}
	return json.Unmarshal(text, into)
}
