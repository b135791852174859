package token

import (
	"errors"
	"fmt"
	"time"
)

// Reason classifies why a token was refused; the zero value is not a reason.
type Reason int

const (
	_ Reason = iota
	Malformed
	UnsupportedAlgorithm
	UnknownKey
	KeysUnavailable
	BadSignature
	Expired
	NotYetValid
	Revoked           // its issuer no longer stands by it
	ReviewUnavailable // its issuer should have been asked whether it does, and couldn't be
)

// String is the reason in one word, as audit events carry it.
func (r Reason) String() string {
	switch r {
	case Malformed:
		return "malformed"
	case UnsupportedAlgorithm:
		return "unsupported-algorithm"
	case UnknownKey:
		return "unknown-key"
	case KeysUnavailable:
		return "keys-unavailable"
	case BadSignature:
		return "bad-signature"
	case Expired:
		return "expired"
	case NotYetValid:
		return "not-yet-valid"
	case Revoked:
		return "revoked"
	case ReviewUnavailable:
		return "review-unavailable"
	}
	return fmt.Sprintf("reason(%d)", int(r))
}

// Error is a refusal. Detail is for the audit event and never holds the token.
type Error struct {
	Reason     Reason
	Detail     string
	Now, Limit time.Time // for Expired and NotYetValid: the clock, and the claim it broke (without Leeway)
}

func (e *Error) Error() string { return e.Detail }

// Authentic reports whether an error of Verify refuses a token whose signature was found good: its claims are then its issuer's.
func Authentic(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && (refused.Reason == Expired || refused.Reason == NotYetValid)
}

func malformed(format string, args ...any) *Error {
	return &Error{Reason: Malformed, Detail: fmt.Sprintf(format, args...)}
}
