package iam

import (
	"strings"

	"github.com/podpass/podpass/identity"
)

// parsePolicyARN reads the ARN of a managed policy.
func parsePolicyARN(arn string) (identity.ARN, error) {
	a, err := identity.ParseARN(arn)
	if err != nil || a.Service() != "iam" || a.Region() != "" || !strings.HasPrefix(a.Resource(), "policy/") || a.ResourceName() == "" {
		return identity.ARN{}, invalidARN().Because(err)
	}
	return a, nil
}

// policyName is the path and the name in the ARN of a managed policy.
func policyName(a identity.ARN) (path, name string) {
	name = a.ResourceName()
	return strings.TrimSuffix(strings.TrimPrefix(a.Resource(), "policy"), name), name
}
