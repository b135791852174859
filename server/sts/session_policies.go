package sts

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awserr"
)

// accountAWS owns the managed policies that AWS provides to every account.
const accountAWS = "aws"

// sessionPolicies checks the policies a session is to be limited by, for a role of the account: the inline one parses,
// the managed ones are the account's or AWS's, and all texts together keep within 2,048 characters. It returns the ARNs.
func (s *service) sessionPolicies(role identity.ARN, inline string, managed []policyDescriptor) ([]string, error) {
	size := utf8.RuneCountInString(inline)
	if inline != "" {
		if _, err := policy.Parse(inline, policy.SessionUse); err != nil {
			return nil, fmt.Errorf("session policy: %w", err)
		}
	}
	var arns []string
	for _, m := range managed {
		arn, err := identity.ParseARN(m.ARN)
		switch {
		case err != nil, arn.Service() != "iam", arn.Region() != "", arn.Partition() != role.Partition(),
			!strings.HasPrefix(arn.Resource(), "policy/"),
			arn.Account() != role.Account() && arn.Account() != accountAWS:
			return nil, awserr.Validation(m.ARN + " is invalid").Because(err)
		}
		if !s.managedPolicy(arn) {
			return nil, awserr.Validation(m.ARN + " is invalid").Because(fmt.Errorf("there is no managed policy %s", m.ARN))
		}
		arns = append(arns, m.ARN)
		size += len(m.ARN)
	}
	if size > maxPolicyText {
		message := fmt.Sprintf("Packed size of session policies consumes %d%% of allotted space.", size*100/maxPolicyText)
		return nil, awserr.New(http.StatusBadRequest, "PackedPolicyTooLarge", message)
	}
	return arns, nil
}

func (s *service) managedPolicy(arn identity.ARN) bool {
	if arn.Account() == accountAWS {
		_, ok := s.Gate.Managed(arn.String())
		return ok
	}
	_, ok := s.Store.PolicyByARN(arn.String())
	return ok
}
