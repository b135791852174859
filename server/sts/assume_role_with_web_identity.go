package sts

import (
	"context"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/session"
)

type assumeRoleWithWebIdentityInput struct {
	RoleARN                 string `query:"RoleArn"`
	RoleSessionName         string
	WebIdentityToken        string
	ProviderID              string             `query:"ProviderId"`
	PolicyARNs              []policyDescriptor `query:"PolicyArns"`
	Policy                  string
	DurationSeconds         *int
	MinimumSessionTokenSize *int
}

type assumeRoleWithWebIdentityOutput struct {
	Audience                    string
	AssumedRoleUser             assumedRoleUser
	Provider                    string // ARN of the IAM OIDC provider
	Credentials                 credentials
	SubjectFromWebIdentityToken string
	SourceIdentity              *string
	PackedPolicySize            *int
	SessionTokenSize            int // bytes
	SessionTokenUtilization     int // percent of 4,096 bytes
}

func (in *assumeRoleWithWebIdentityInput) Validate(v *awsquery.Validator) {
	validateRole(v, in.RoleARN, in.RoleSessionName)
	validateToken(v, in.WebIdentityToken)
	if in.ProviderID != "" {
		v.Length("providerId", in.ProviderID, 4, 2048)
	}
	validateSessionPolicies(v, in.Policy, in.PolicyARNs)
	validateSession(v, in.DurationSeconds, in.MinimumSessionTokenSize, maxRoleSession)
}

// assumeRoleWithWebIdentity exchanges a service account's token. It is unsigned: only the token speaks for the caller, so
// everything about the role waits until the token has been verified.
func (s *service) assumeRoleWithWebIdentity(
	ctx context.Context, c *awsquery.Call, in *assumeRoleWithWebIdentityInput,
) (*assumeRoleWithWebIdentityOutput, error) {
	e := c.Event
	e.SessionName = in.RoleSessionName
	arn, err := parseRoleARN(in.RoleARN)
	if err != nil {
		return nil, err
	}
	e.Role, e.Account = in.RoleARN, string(arn.Account())
	if in.ProviderID != "" {
		return nil, awserr.Validation(textProviderID)
	}

	id, err := s.verify(ctx, e, arn, in.WebIdentityToken)
	if err != nil {
		return nil, err
	}

	role, missing := s.findRole(arn)
	keys := s.Gate.Context(c.Request, access.Caller{})
	id.setKeys(keys)
	id.tags.setKeys(keys, role)
	setSessionKeys(keys, in.RoleSessionName, in.DurationSeconds, id.claims.SourceIdentity)
	asked := &application{
		arn: arn, role: role, missing: missing, keys: keys, event: e,
		requester: policy.Requester{Federated: id.provider.String()},
	}
	if err := s.authorise(asked, needed(actionWebIdentity, id.tags, id.claims.SourceIdentity), notAuthorised); err != nil {
		return nil, err
	}

	length, err := roleSession(role, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	managed, err := s.sessionPolicies(arn, in.Policy, in.PolicyARNs)
	if err != nil {
		return nil, err
	}
	// Last, so that only a token that would be exchanged makes the server dial.
	if err := s.Keys.Review(ctx, id.cluster, in.WebIdentityToken, id.claims); err != nil {
		return nil, tokenRefused(err)
	}
	made, err := s.issue(e, session.Session{
		Kind:           session.AssumedRole,
		Account:        role.Account,
		PrincipalID:    role.ID,
		PrincipalName:  role.Name,
		Name:           in.RoleSessionName,
		Tags:           id.tags.tags(),
		TransitiveKeys: id.tags.transitiveKeys(),
		SourceIdentity: id.claims.SourceIdentity,
		Policy:         in.Policy,
		PolicyARNs:     managed,
		Provider:       id.provider.String(),
		Subject:        id.claims.Subject,
		Issuer:         id.claims.Issuer,
		Cluster:        id.clusterName(),
		PodUID:         id.claims.Kubernetes.PodUID,
	}, length, orDefault(in.MinimumSessionTokenSize, 0))
	if err != nil {
		return nil, err
	}
	return &assumeRoleWithWebIdentityOutput{
		Audience:                    id.audience,
		AssumedRoleUser:             assumed(role, in.RoleSessionName),
		Provider:                    id.provider.String(),
		Credentials:                 made.credentials,
		SubjectFromWebIdentityToken: id.claims.Subject,
		SourceIdentity:              optional(id.claims.SourceIdentity),
		PackedPolicySize:            packedSize(in.Policy, managed, id.tags.asked),
		SessionTokenSize:            made.size,
		SessionTokenUtilization:     made.utilization,
	}, nil
}

// notAuthorised is the one answer for a role that is missing, elsewhere, or doesn't trust the token.
func notAuthorised(action string) *awserr.Error {
	return awserr.AccessDenied("Not authorized to perform " + action)
}

// optional leaves an empty element out of an answer.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
