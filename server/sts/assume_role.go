package sts

import (
	"context"
	"errors"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/session"
)

type assumeRoleInput struct {
	roleInput
	Tags              []tag
	TransitiveTagKeys []string
	ExternalID        string `query:"ExternalId"`
	SerialNumber      string
	TokenCode         string
	SourceIdentity    string
	ProvidedContexts  []providedContext
}

type providedContext struct {
	ProviderARN      string `query:"ProviderArn"`
	ContextAssertion string
}

func (in *assumeRoleInput) Validate(v *awsquery.Validator) {
	validateRole(v, in.RoleARN, in.RoleSessionName)
	validateSessionPolicies(v, in.Policy, in.PolicyARNs)
	validateSession(v, in.DurationSeconds, in.MinimumSessionTokenSize, maxRoleSession)
	validateTags(v, in.Tags, in.TransitiveTagKeys)
	if in.ExternalID != "" {
		v.Length("externalId", in.ExternalID, 2, 1224)
		v.Pattern("externalId", in.ExternalID, patternExternal, func(s string) bool { return only(s, "+=,.@:/-") })
	}
	validateMFA(v, in.SerialNumber, in.TokenCode)
	if in.SourceIdentity != "" {
		v.Length("sourceIdentity", in.SourceIdentity, 2, 64)
		v.Pattern("sourceIdentity", in.SourceIdentity, patternName, isName)
	}
	v.Count("providedContexts", len(in.ProvidedContexts), 0, 5)
}

// assumeRole exchanges a user's key or a session for a session of a role, in the same account or another.
func (s *service) assumeRole(_ context.Context, c *awsquery.Call, in *assumeRoleInput) (*roleOutput, error) {
	caller := &c.Caller
	arn, err := in.role(c.Event)
	if err != nil {
		return nil, err
	}
	if err := refuseUnsupported(in); err != nil {
		return nil, err
	}
	chained := caller.Kind == access.AssumedRole
	if chained {
		if err := checkChained(in.DurationSeconds); err != nil {
			return nil, err
		}
	}
	asTags := make(identity.Tags, len(in.Tags))
	for i, t := range in.Tags {
		asTags[i] = identity.Tag(t)
	}
	tags, refusal := assume.NewTags(asTags, in.TransitiveTagKeys, caller.Session)
	if refusal != "" {
		return nil, invalidParameter(refusal)
	}
	denied := func(action string) *awserr.Error {
		return awserr.AccessDenied("User: " + caller.ARN.String() + " is not authorized to perform: " + action + " on resource: " + in.RoleARN)
	}
	source, err := sourceIdentity(caller.Session, in.SourceIdentity)
	if err != nil {
		return nil, denied(assume.ActionSetSourceIdentity).Because(err)
	}

	own, err := s.Gate.Policies(*caller)
	if err != nil {
		return nil, err
	}
	keys := s.Gate.Context(c.Request, *caller)
	if in.ExternalID != "" {
		keys.Set("sts:ExternalId", in.ExternalID)
	}
	asked := &assume.Application{
		Action: assume.ActionAssumeRole, Role: s.roles.Find(arn), Requester: caller.Requester(), Own: own, Keys: keys,
		SessionName: in.RoleSessionName, Seconds: orDefault(in.DurationSeconds, defaultRoleSession),
		Tags: tags, SourceIdentity: source,
	}
	if err := s.authorise(c.Event, asked, denied); err != nil {
		return nil, err
	}
	return s.issueRole(c.Event, asked, &in.roleInput, session.Session{Chained: chained})
}

// refuseUnsupported refuses what would otherwise be silently ignored: a second factor nobody checks is none.
func refuseUnsupported(in *assumeRoleInput) error {
	if in.SerialNumber != "" || in.TokenCode != "" {
		return awserr.AccessDenied(textMFA)
	}
	if len(in.ProvidedContexts) > 0 {
		return awserr.Validation(textContexts)
	}
	return nil
}

// sourceIdentity is what the new session carries: once set it stays for the whole chain.
func sourceIdentity(calling *session.Session, asked string) (string, error) {
	if calling == nil || calling.SourceIdentity == "" {
		return asked, nil
	}
	if asked != "" && asked != calling.SourceIdentity {
		return "", errors.New("the calling session's source identity cannot be changed")
	}
	return calling.SourceIdentity, nil
}
