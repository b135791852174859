package sts

import (
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/session"
)

// roleInput is what every request for a role's session says.
type roleInput struct {
	RoleARN                 string `query:"RoleArn"`
	RoleSessionName         string
	PolicyARNs              []policyDescriptor `query:"PolicyArns"`
	Policy                  string
	DurationSeconds         *int
	MinimumSessionTokenSize *int
}

// roleOutput is what every answer with a role's session says.
type roleOutput struct {
	Credentials             credentials
	AssumedRoleUser         assumedRoleUser
	PackedPolicySize        *int
	SourceIdentity          *string
	SessionTokenSize        int // bytes
	SessionTokenUtilization int // percent of 4,096 bytes
}

// role reads the ARN of the role asked for, and tells the audit event.
func (in *roleInput) role(e *audit.Event) (identity.ARN, error) {
	e.SessionName = in.RoleSessionName
	arn, err := parseRoleARN(in.RoleARN)
	if err != nil {
		return arn, err
	}
	e.Role, e.Account = in.RoleARN, string(arn.Account())
	return arn, nil
}

// issueRole makes the session of a role that the requester has been found to be allowed. sess comes with what only its kind of requester has.
func (s *service) issueRole(e *audit.Event, a *assume.Application, in *roleInput, sess session.Session) (*roleOutput, error) {
	length, err := roleSession(a.Role.Record, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	managed, err := s.sessionPolicies(a.Role.ARN, in.Policy, in.PolicyARNs)
	if err != nil {
		return nil, err
	}
	sess.Policy, sess.PolicyARNs = in.Policy, managed
	made, err := s.issue(e, a.Session(sess), length, orDefault(in.MinimumSessionTokenSize, 0))
	if err != nil {
		return nil, err
	}
	return &roleOutput{
		Credentials:             made.credentials,
		AssumedRoleUser:         assumed(a.Role, in.RoleSessionName),
		PackedPolicySize:        packedSize(in.Policy, managed, a.Tags.Asked()),
		SourceIdentity:          optional(a.SourceIdentity),
		SessionTokenSize:        made.size,
		SessionTokenUtilization: made.utilization,
	}, nil
}

// optional leaves an empty element out of an answer.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
