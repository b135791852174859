package sts

import (
	"context"
	"time"

	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/session"
)

type getSessionTokenInput struct {
	DurationSeconds         *int
	SerialNumber            string
	TokenCode               string
	MinimumSessionTokenSize *int
}

type getSessionTokenOutput struct {
	Credentials             credentials
	SessionTokenSize        int // bytes
	SessionTokenUtilization int // percent of 4,096 bytes
}

func (in *getSessionTokenInput) Validate(v *awsquery.Validator) {
	validateSession(v, in.DurationSeconds, in.MinimumSessionTokenSize, maxTokenSession)
	validateMFA(v, in.SerialNumber, in.TokenCode)
}

// getSessionToken gives a user temporary credentials for itself. No policy is asked; sessions, which would renew
// themselves for ever, are refused.
func (s *service) getSessionToken(_ context.Context, c *awsquery.Call, in *getSessionTokenInput) (*getSessionTokenOutput, error) {
	c.Event.Account = string(c.Caller.Account)
	if c.Caller.Kind != access.User || c.Caller.User == nil {
		return nil, awserr.AccessDenied(textSessionCredentials)
	}
	if in.SerialNumber != "" || in.TokenCode != "" {
		return nil, awserr.AccessDenied(textMFA)
	}
	user := c.Caller.User
	length := time.Duration(orDefault(in.DurationSeconds, defaultTokenSession)) * time.Second
	made, err := s.issue(c.Event, session.Session{
		Kind:          session.UserToken,
		Account:       user.Account,
		PrincipalID:   user.ID,
		PrincipalName: user.Name,
	}, length, orDefault(in.MinimumSessionTokenSize, 0))
	if err != nil {
		return nil, err
	}
	return &getSessionTokenOutput{
		Credentials:             made.credentials,
		SessionTokenSize:        made.size,
		SessionTokenUtilization: made.utilization,
	}, nil
}
