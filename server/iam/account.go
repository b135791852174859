package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
)

func (s *service) accountActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("GetAccountSummary", s.getAccountSummary),
		awsquery.NewAction("ListAccountAliases", s.listAccountAliases),
	}
}

type accountSummary struct{ SummaryMap map[string]int }

// getAccountSummary counts what there is. Of what this service does not keep there is none.
func (s *service) getAccountSummary(_ context.Context, c *awsquery.Call, _ *none) (*accountSummary, error) {
	if err := s.authorise(c, "iam:GetAccountSummary", "*", "*", nil); err != nil {
		return nil, err
	}
	in := accountPrefix(c.Caller.Account)
	users, policies, versions := 0, 0, 0
	for range s.Store.Users.List(in, "") {
		users++
	}
	for _, p := range s.Store.Policies.List(in, "") {
		policies++
		versions += len(p.Versions)
	}
	return &accountSummary{map[string]int{
		"Users": users, "Policies": policies, "PolicyVersionsInUse": versions,
		"Groups": 0, "ServerCertificates": 0, "MFADevices": 0, "MFADevicesInUse": 0, "AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0,
		"AccountSigningCertificatesPresent": 0, "AccessKeysPerUserQuota": maxAccessKeys, "AttachedPoliciesPerRoleQuota": maxAttached,
		"AttachedPoliciesPerUserQuota": maxAttached, "UserPolicySizeQuota": maxUserInline, "PolicySizeQuota": maxPolicySize,
		"VersionsPerPolicyQuota": maxPolicyVersions, "GlobalEndpointTokenVersion": 2,
	}}, nil
}

type aliasPage struct{ page }

func (in *aliasPage) Validate(v *awsquery.Validator) { in.check(v) }

type aliasList struct {
	AccountAliases []string
	rest
}

// listAccountAliases is always empty: accounts have a name of ours and no alias.
func (s *service) listAccountAliases(_ context.Context, c *awsquery.Call, _ *aliasPage) (*aliasList, error) {
	if err := s.authorise(c, "iam:ListAccountAliases", "*", "*", nil); err != nil {
		return nil, err
	}
	return &aliasList{AccountAliases: []string{}}, nil
}
