package sts

import (
	"context"
	"fmt"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
)

type getAccessKeyInfoInput struct {
	AccessKeyID string `query:"AccessKeyId"`
}

type getAccessKeyInfoOutput struct {
	Account string
}

func (in *getAccessKeyInfoInput) Validate(v *awsquery.Validator) {
	v.Length("accessKeyId", in.AccessKeyID, 16, 128)
	v.Pattern("accessKeyId", in.AccessKeyID, patternWord, func(s string) bool { return only(s, "") })
}

// getAccessKeyInfo says which account an access key id belongs to. The id itself carries it, so this holds for keys of
// other accounts, deleted keys and expired sessions alike, and tells nothing that the id does not.
func (s *service) getAccessKeyInfo(_ context.Context, c *awsquery.Call, in *getAccessKeyInfoInput) (*getAccessKeyInfoOutput, error) {
	const action = "sts:GetAccessKeyInfo"
	if c.Caller.Kind == access.UserSession {
		return nil, awserr.AccessDenied(fmt.Sprintf("User: %s is not authorized to perform: %s with a session of GetSessionToken", c.Caller.ARN, action))
	}
	d, err := s.Gate.Authorise(c.Request, c.Caller, action, "*", nil)
	c.Event.Statement = assume.Statement(d)
	if err != nil {
		return nil, err
	}
	account, ok := identity.AccountOfID(in.AccessKeyID)
	if !ok || !strings.HasPrefix(in.AccessKeyID, identity.PrefixLongTerm) && !strings.HasPrefix(in.AccessKeyID, identity.PrefixTemporary) {
		return nil, awserr.Validation(in.AccessKeyID + " is invalid")
	}
	c.Event.Account = string(account)
	return &getAccessKeyInfoOutput{Account: string(account)}, nil
}
