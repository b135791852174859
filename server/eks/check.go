package eks

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awserr"
)

// roles are the two an association names; target is the zero ARN where there is none.
type roles struct{ role, target identity.ARN }

// check finds what is wrong with a spec whatever the state says.
func (spec *AssociationSpec) check() (roles, error) {
	var r roles
	if err := identity.CheckGlobs(spec.Namespace, spec.ServiceAccount); err != nil {
		return r, invalidParameter("%v.", err)
	}
	var err error
	if r.role, err = roleARN("roleArn", spec.RoleARN, spec.Cluster.Partition); err != nil {
		return r, err
	}
	if spec.TargetRoleARN != "" {
		if r.target, err = roleARN("targetRoleArn", spec.TargetRoleARN, spec.Cluster.Partition); err != nil {
			return r, err
		}
	}
	if err := checkTags(spec.Tags); err != "" {
		return r, invalidParameter("%s", err)
	}
	return r, checkPolicy(spec.Policy, spec.DisableSessionTags)
}

func roleARN(parameter, text, partition string) (identity.ARN, error) {
	arn, err := identity.ParseRoleARN(text)
	if err != nil {
		return arn, invalidParameter("%s: %q is not the ARN of a role.", parameter, text).Because(err)
	}
	if arn.Partition() != partition {
		return arn, invalidParameter("%s: the role is of partition %s and the cluster of partition %s.", parameter, arn.Partition(), partition)
	}
	return arn, nil
}

// checkPolicy checks a session policy. EKS takes one only where it sends no session tags: both share one limit of AWS's STS.
func checkPolicy(text string, withoutTags bool) error {
	if text == "" {
		return nil
	}
	if !withoutTags {
		return invalidRequest("policy: a session policy needs disableSessionTags to be true.")
	}
	if n := utf8.RuneCountInString(text); n > policy.MaxSession {
		return invalidParameter("policy: it has %d characters, more than %d.", n, policy.MaxSession)
	}
	if _, err := policy.Parse(text, policy.SessionUse); err != nil {
		return invalidParameter("policy: %s", awserr.From(err).Message).Because(err)
	}
	return nil
}

const (
	maxTags     = 50
	maxTagKey   = 128 // characters
	maxTagValue = 256
)

// checkTags says what is wrong with a whole set of tags, "" where nothing is. The rules are IAM's, since conditions on tags compare keys as IAM's do: two keys
// that differ in case only would be one there.
func checkTags(tags identity.Tags) string {
	if len(tags) > maxTags {
		return "A resource has at most 50 tags."
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		folded := strings.ToLower(t.Key)
		switch {
		case !isTagText(t.Key, 1, maxTagKey):
			return "A tag's key has 1 to 128 letters, digits, spaces and characters of _.:/=+-@."
		case !isTagText(t.Value, 0, maxTagValue):
			return "A tag's value has at most 256 letters, digits, spaces and characters of _.:/=+-@."
		case strings.HasPrefix(folded, "aws:"):
			return "Tag keys that begin with aws: are reserved for AWS use."
		case seen[folded]:
			return "Duplicate tag keys found. Please note that Tag keys are case insensitive."
		}
		seen[folded] = true
	}
	return ""
}

func isTagText(s string, min, max int) bool {
	odd := func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r)
	}
	n := utf8.RuneCountInString(s)
	return n >= min && n <= max && utf8.ValidString(s) && !strings.ContainsFunc(s, odd)
}
