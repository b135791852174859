package sts

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
)

type getCallerIdentityInput struct{}

type getCallerIdentityOutput struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string
}

// getCallerIdentity says who signed the request. It asks no policy, not even a Deny: AWS answers it under any.
func (s *service) getCallerIdentity(_ context.Context, c *awsquery.Call, _ *getCallerIdentityInput) (*getCallerIdentityOutput, error) {
	c.Event.Account = string(c.Caller.Account)
	return &getCallerIdentityOutput{
		ARN:     c.Caller.ARN.String(),
		UserID:  c.Caller.UserID,
		Account: string(c.Caller.Account),
	}, nil
}
