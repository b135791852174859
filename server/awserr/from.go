package awserr

import (
	"context"
	"errors"
	"net/http"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// From is the boundary: it makes any error one that may be sent. An *Error passes as it is, the domain errors below have their wire form,
// and everything else is a bare InternalFailure that keeps the error as its cause. It is nil for nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var wire *Error
	if errors.As(err, &wire) {
		return wire
	}
	var syntax *policy.SyntaxError
	var large *session.TooLargeError
	switch {
	case errors.As(err, &syntax):
		return New(http.StatusBadRequest, "MalformedPolicyDocument", syntax.Error()).Because(err)
	case errors.As(err, &large):
		return New(http.StatusBadRequest, "PackedPolicyTooLarge", large.Error()).Because(err)
	case errors.Is(err, store.ErrStale), errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ServiceUnavailable(err)
	}
	return InternalFailure(err)
}

// InternalFailure is what a client sees of a bug. The message says nothing of the cause.
func InternalFailure(cause error) *Error {
	return New(http.StatusInternalServerError, "InternalFailure",
		"The request processing has failed because of an unknown error, exception or failure.").Because(cause)
}

// ServiceUnavailable is what a client sees while the store cannot be read or written, or an answer could not be put on record.
func ServiceUnavailable(cause error) *Error {
	return New(http.StatusServiceUnavailable, "ServiceUnavailable",
		"The request has failed due to a temporary failure of the server.").Because(cause)
}
