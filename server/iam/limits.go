package iam

import (
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
)

// Quotas. Sizes are in characters, white space not counted.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxTrustSize      = policy.MaxTrust
	maxRoleInline     = policy.MaxInlineTotal // of all inline policies of a role together
	maxUserInline     = 2048
	maxPolicySize     = policy.MaxManaged
	maxPolicyVersions = 5
	maxAttached       = 10
	maxTags           = 50
	maxClientIDs      = 100
	maxThumbprints    = 5
	maxAccessKeys     = 2

	minSession     = 3600 // seconds
	maxSession     = 43200
	defaultSession = minSession

	maxMarker = 320 // a marker holds the last key, which is a name or a position
)

// checkTagSet holds the rules of a whole set that the API model does not state.
func checkTagSet(tags identity.Tags) error {
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		folded := strings.ToLower(t.Key)
		if seen[folded] {
			return invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[folded] = true
		if strings.HasPrefix(folded, "aws:") {
			return invalidInput("Tag keys that begin with aws: are reserved for AWS use.")
		}
	}
	return nil
}
