package sts

import (
	"context"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/session"
)

type assumeRoleWithWebIdentityInput struct {
	roleInput
	WebIdentityToken string
	ProviderID       string `query:"ProviderId"`
}

type assumeRoleWithWebIdentityOutput struct {
	Audience                    string
	Provider                    string // ARN of the IAM OIDC provider
	SubjectFromWebIdentityToken string
	roleOutput
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
	arn, err := in.role(e)
	if err != nil {
		return nil, err
	}
	if in.ProviderID != "" {
		return nil, awserr.Validation(textProviderID)
	}

	id, err := s.verify(ctx, e, arn, in.WebIdentityToken)
	if err != nil {
		return nil, err
	}

	keys := s.Gate.Context(c.Request, access.Caller{})
	id.setKeys(keys)
	asked := &assume.Application{
		Action: assume.ActionWebIdentity, Role: s.roles.Find(arn), Keys: keys,
		Requester:   policy.Requester{Federated: id.provider.String()},
		SessionName: in.RoleSessionName, Seconds: orDefault(in.DurationSeconds, defaultRoleSession),
		Tags: id.tags, SourceIdentity: id.claims.SourceIdentity,
	}
	if err := s.authorise(e, asked, notAuthorised); err != nil {
		return nil, err
	}

	// Behind all else that is asked of the token, so that only one that would be exchanged makes the server dial.
	if err := s.Keys.Review(ctx, id.cluster, in.WebIdentityToken, id.claims); err != nil {
		return nil, tokenRefused(err)
	}
	made, err := s.issueRole(e, asked, &in.roleInput, session.Session{
		Provider: id.provider.String(),
		Subject:  id.claims.Subject,
		Issuer:   id.claims.Issuer,
		Cluster:  id.clusterName(),
		PodUID:   id.claims.Kubernetes.PodUID,
	})
	if err != nil {
		return nil, err
	}
	return &assumeRoleWithWebIdentityOutput{
		Audience: id.audience, Provider: id.provider.String(), SubjectFromWebIdentityToken: id.claims.Subject, roleOutput: *made,
	}, nil
}

// notAuthorised is the one answer for a role that is missing, elsewhere, or doesn't trust the token.
func notAuthorised(action string) *awserr.Error {
	return awserr.AccessDenied("Not authorized to perform " + action)
}
