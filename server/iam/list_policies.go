package iam

import (
	"context"
	"iter"
	"strings"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

type listPolicies struct {
	Scope             string
	OnlyAttached      bool
	PathPrefix        string
	PolicyUsageFilter string
	page
}

const (
	scopeAll   = "All"
	scopeAWS   = "AWS"
	scopeLocal = "Local"

	usedAsPolicy   = "PermissionsPolicy"
	usedAsBoundary = "PermissionsBoundary"
)

func (in *listPolicies) Validate(v *awsquery.Validator) {
	checkEnum(v, "scope", in.Scope, scopeAll, scopeAWS, scopeLocal)
	optional(v, "pathPrefix", in.PathPrefix, 1, 512, policyPathPattern, isPolicyPath)
	checkEnum(v, "policyUsageFilter", in.PolicyUsageFilter, usedAsPolicy, usedAsBoundary)
	in.check(v)
}

type policyList struct {
	Policies []*managedPolicy
	rest
}

func (s *service) listPolicies(_ context.Context, c *awsquery.Call, in *listPolicies) (*policyList, error) {
	if err := s.authorise(c, "iam:ListPolicies", "*", "policy path "+orDefault(in.PathPrefix, "/"), nil); err != nil {
		return nil, err
	}
	keep := func(p *store.Policy) bool {
		if !under(p.Path, in.PathPrefix) {
			return false
		}
		if !in.OnlyAttached && in.PolicyUsageFilter == "" {
			return true
		}
		shown := s.listedPolicy(p, c.Caller.Account)
		return in.PolicyUsageFilter != usedAsBoundary && shown.AttachmentCount > 0 ||
			in.PolicyUsageFilter != usedAsPolicy && shown.PermissionsBoundaryUsageCount > 0
	}
	found, more, err := take(in.page, s.policiesIn(c, in.Scope, keep))
	if err != nil {
		return nil, err
	}
	out := &policyList{Policies: []*managedPolicy{}, rest: more}
	for _, p := range found {
		out.Policies = append(out.Policies, s.listedPolicy(p, c.Caller.Account))
	}
	return out, nil
}

// policiesIn lists AWS's policies and then the account's. The first letter of a key says which of the two it is of.
func (s *service) policiesIn(c *awsquery.Call, scope string, keep func(*store.Policy) bool) func(string) iter.Seq2[string, *store.Policy] {
	local := records(s.Store.Policies, accountPrefix(c.Caller.Account), keep)
	return func(after string) iter.Seq2[string, *store.Policy] {
		return func(yield func(string, *store.Policy) bool) {
			if scope != scopeLocal && !strings.HasPrefix(after, "l") {
				for _, p := range managedIn(partition(c)) {
					if at := "a" + p.Path + p.Name; at > after && keep(p) && !yield(at, p) {
						return
					}
				}
			}
			if scope == scopeAWS {
				return
			}
			behind, _ := strings.CutPrefix(after, "l")
			if behind == after {
				behind = ""
			}
			for at, p := range local(behind) {
				if !yield("l"+at, p) {
					return
				}
			}
		}
	}
}
