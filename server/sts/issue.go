package sts

import (
	"time"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/session"
)

// maxTokenSize is the longest session token, in bytes; utilization is told in percent of it.
const maxTokenSize = session.MaxToken

// credentials are an answer's Credentials element.
type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// assumedRoleUser is an answer's AssumedRoleUser element.
type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"` // AROA…:SESSION
	ARN           string `xml:"Arn"`           // without the role's path
}

// issued is a minted session with what every answer says about it.
type issued struct {
	credentials credentials
	size        int // of the session token, bytes
	utilization int // percent
}

// issue seals a session of the given length from now on, and tells the audit event whose it is.
func (s *service) issue(e *audit.Event, sess session.Session, length time.Duration, minSize int) (*issued, error) {
	made, err := s.roles.Mint(e, sess, length, minSize)
	if err != nil {
		return nil, err
	}
	size := len(made.SessionToken)
	return &issued{
		credentials: credentials{
			AccessKeyID:     made.AccessKeyID,
			SecretAccessKey: made.SecretAccessKey,
			SessionToken:    made.SessionToken,
			Expiration:      made.Expires,
		},
		size:        size,
		utilization: (size*100 + maxTokenSize - 1) / maxTokenSize,
	}, nil
}

func assumed(role assume.Role, sessionName string) assumedRoleUser {
	arn, id := role.Session(sessionName)
	return assumedRoleUser{AssumedRoleID: id, ARN: arn.String()}
}

// packedSize is PackedPolicySize: the share of a session token, in percent rounded up, that policies and tags passed with
// the request take; nil, which leaves the element out, where none were passed.
func packedSize(inline string, arns []string, tags identity.Tags) *int {
	size := len(inline)
	for _, arn := range arns {
		size += len(arn)
	}
	for _, t := range tags {
		size += len(t.Key) + len(t.Value)
	}
	if size == 0 {
		return nil
	}
	percent := min(100, (size*100+maxTokenSize-1)/maxTokenSize)
	return &percent
}
