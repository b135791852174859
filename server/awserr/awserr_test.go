package awserr_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

type wire struct {
	Status  int
	Code    string
	Message string
}

func sent(e *awserr.Error) wire { return wire{e.Status, e.Code, e.Message} }

const (
	unknown     = "The request processing has failed because of an unknown error, exception or failure."
	unavailable = "The request has failed due to a temporary failure of the server."
)

func TestFrom(t *testing.T) {
	tests := map[string]struct {
		err  error
		want wire
	}{
		"a wire error":         {awserr.Throttling(), wire{400, "Throttling", "Rate exceeded"}},
		"a wrapped wire error": {fmt.Errorf("x: %w", awserr.Validation("v")), wire{400, "ValidationError", "v"}},
		"policy syntax":        {fmt.Errorf("x: %w", &policy.SyntaxError{Message: "Syntax errors in policy.", Line: 3, Column: 7}), wire{400, "MalformedPolicyDocument", "Syntax errors in policy. (line 3, column 7)"}},
		"a session too large":  {&session.TooLargeError{Percent: 112}, wire{400, "PackedPolicyTooLarge", "Packed size of session tags consumes 112% of allotted space."}},
		"store stale":          {fmt.Errorf("x: %w", store.ErrStale), wire{503, "ServiceUnavailable", unavailable}},
		"store unavailable":    {fmt.Errorf("x: %w", store.ErrUnavailable), wire{503, "ServiceUnavailable", unavailable}},
		"store closed":         {store.ErrClosed, wire{503, "ServiceUnavailable", unavailable}},
		"out of time":          {context.DeadlineExceeded, wire{503, "ServiceUnavailable", unavailable}},
		"anything else":        {errors.New("secret detail"), wire{500, "InternalFailure", unknown}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := awserr.From(test.err)
			if diff := cmp.Diff(test.want, sent(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if awserr.From(nil) != nil {
		t.Error("From(nil) is an error")
	}
}

// The cause is kept for the operator and never part of what is sent.
func TestCauseIsPrivate(t *testing.T) {
	e := awserr.From(errors.New("etcd at 10.0.0.1 said no"))
	if strings.Contains(e.Error()+e.Message+e.JSON().Message, "10.0.0.1") {
		t.Errorf("the cause is public: %v", e)
	}
	for _, e := range []*awserr.Error{e, e.JSON()} {
		if e.Reason() != "etcd at 10.0.0.1 said no" {
			t.Errorf("Reason() = %q", e.Reason())
		}
	}
	plain := awserr.AccessDenied("no")
	if with := plain.Because(errors.New("why")); plain.Cause != nil || with.Reason() != "why" || plain.Reason() != "no" {
		t.Error("Because changed its receiver, or lost the cause")
	}
}

func TestJSON(t *testing.T) {
	tests := []struct {
		query *awserr.Error
		want  wire
	}{
		{awserr.MissingAuthenticationToken(), wire{403, "MissingAuthenticationTokenException", "Missing Authentication Token"}},
		{awserr.IncompleteSignature("m"), wire{403, "IncompleteSignatureException", "m"}},
		{awserr.InvalidClientTokenID(), wire{403, "UnrecognizedClientException", "The security token included in the request is invalid."}},
		{awserr.ExpiredToken(), wire{403, "ExpiredTokenException", "The security token included in the request is expired"}},
		{awserr.SignatureDoesNotMatch("m"), wire{403, "InvalidSignatureException", "m"}},
		{awserr.AccessDenied("m"), wire{403, "AccessDeniedException", "m"}},
		{awserr.Throttling(), wire{429, "ThrottlingException", "Rate exceeded"}},
		{awserr.InternalFailure(nil), wire{500, "InternalServerException", unknown}},
		{awserr.ServiceUnavailable(nil), wire{503, "ServiceUnavailableException", unavailable}},
		{awserr.New(413, "RequestEntityTooLarge", "m"), wire{413, "RequestEntityTooLargeException", "m"}},
		{awserr.New(400, "RequestTimeout", "m"), wire{400, "RequestTimeoutException", "m"}},
		{awserr.New(404, "ResourceNotFoundException", "m"), wire{404, "ResourceNotFoundException", "m"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, sent(test.query.JSON())); diff != "" {
			t.Errorf("%s: %s", test.query.Code, diff)
		}
	}
}

func TestRetryHints(t *testing.T) {
	for _, e := range []*awserr.Error{awserr.Throttling(), awserr.Throttling().JSON(), awserr.ServiceUnavailable(nil), awserr.ServiceUnavailable(nil).JSON()} {
		h := http.Header{}
		e.SetRetryHints(h)
		if diff := cmp.Diff(http.Header{"Retry-After": {"1"}, "X-Amz-Retry-After": {"1000"}}, h); diff != "" {
			t.Errorf("%s: %s", e.Code, diff)
		}
	}
	for _, e := range []*awserr.Error{awserr.AccessDenied("m"), awserr.InternalFailure(nil), awserr.Validation("m")} {
		h := http.Header{}
		if e.SetRetryHints(h); len(h) != 0 {
			t.Errorf("%s asks to be tried again: %v", e.Code, h)
		}
	}
}
