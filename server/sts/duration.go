package sts

import (
	"time"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// Lengths of sessions, in seconds.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html (maximum session duration, role chaining)
const (
	minSession          = 900
	defaultRoleSession  = 3600
	maxRoleSession      = 43200
	maxChainedSession   = 3600
	defaultTokenSession = 43200
	maxTokenSession     = 129600
)

func validateSession(v *awsquery.Validator, seconds, minTokenSize *int, most int) {
	if seconds != nil {
		v.Range("durationSeconds", *seconds, minSession, most)
	}
	if minTokenSize != nil {
		v.Range("minimumSessionTokenSize", *minTokenSize, 0, maxTokenSize)
	}
}

// checkChained applies the hour that a session of a session has at most. It needs no role and so is said to anyone.
func checkChained(seconds *int) error {
	if seconds != nil && *seconds > maxChainedSession {
		return awserr.Validation(textChaining)
	}
	return nil
}

// roleSession is the length of a role's session. It is asked once the caller may assume the role: the answer tells the
// role's setting.
func roleSession(role *store.Role, seconds *int) (time.Duration, error) {
	if seconds == nil {
		return defaultRoleSession * time.Second, nil
	}
	if *seconds > max(role.MaxSession, defaultRoleSession) {
		return 0, awserr.Validation(textMaxSession)
	}
	return time.Duration(*seconds) * time.Second, nil
}

func orDefault(value *int, fallback int) int {
	if value == nil {
		return fallback
	}
	return *value
}
