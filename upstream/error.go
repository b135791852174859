package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is a service's answer that is not a success, with the endpoint that gave it. It holds nothing of the request.
type Error struct {
	Status    int    // HTTP status
	Code      string // as on the wire: "AccessDenied" from STS, "AccessDeniedException" from EKS Auth; "" if the answer was no such service's
	Message   string
	RequestID string
	Reason    string // another podpass's header Podpass-Reason; "" from everyone else
	Endpoint  string // base URL
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s answered %d", e.Endpoint, e.Status)
	for _, part := range []string{e.Code, e.Message, e.Reason} {
		if part != "" {
			text += ": " + part
		}
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Temporary reports whether the service failed to answer the question, so that the same question may be asked elsewhere or later. A refusal
// is not temporary, and an answer that no such service gives (a proxy's page) is no refusal.
func (e *Error) Temporary() bool {
	switch {
	case e.Status >= 500, e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout, e.Code == "":
		return true
	}
	return temporary[strings.TrimSuffix(e.Code, "Exception")]
}

// maxText bounds what of a service's words is kept: they go into the audit event.
const maxText = 1000

// clean withholds a text that repeats a secret that was sent or signed with, and cuts off what is too long. The far end may be anybody's.
func (e *Error) clean(secrets ...string) *Error {
	for _, text := range []*string{&e.Code, &e.Message, &e.RequestID, &e.Reason} {
		for _, secret := range secrets {
			if secret != "" && strings.Contains(*text, secret) {
				*text = "(withheld: it repeats a secret)"
			}
		}
		if len(*text) > maxText {
			*text = strings.ToValidUTF8((*text)[:maxText], "") + "…"
		}
	}
	return e
}

// temporary are the codes, less their suffix, that come with a status of the caller's fault and are not one: those the SDKs take for
// throttling, a failure of the service's own, an identity provider the service could not reach, and a region that is switched off.
//
// Source: aws-sdk-go-v2 aws/retry/standard.go; STS's errors in botocore's service model.
var temporary = map[string]bool{
	"Throttling": true, "Throttled": true, "RequestThrottled": true, "TooManyRequests": true, "RequestLimitExceeded": true, "LimitExceeded": true,
	"BandwidthLimitExceeded": true, "SlowDown": true, "PriorRequestNotComplete": true, "EC2Throttled": true, "RequestTimeout": true,
	"InternalFailure": true, "InternalError": true, "InternalServer": true, "ServiceUnavailable": true,
	"IDPCommunicationError": true, "RegionDisabled": true,
}

// Unavailable is that no endpoint gave an answer. It says of each that was asked what happened, in that order.
type Unavailable struct {
	Attempts []Attempt
	cause    error // of the caller's context, if that ended the call
}

// Attempt is one endpoint asked in vain.
type Attempt struct {
	Endpoint Endpoint
	Err      error
}

func (u *Unavailable) Error() string {
	parts := make([]string, 0, len(u.Attempts)+1)
	for _, a := range u.Attempts {
		text := a.Err.Error()
		if !errors.As(a.Err, new(*Error)) { // which names its endpoint
			text = a.Endpoint.URL + ": " + text
		}
		parts = append(parts, text)
	}
	if u.cause != nil && len(parts) == 0 {
		parts = append(parts, u.cause.Error())
	}
	return "no answer from upstream: " + strings.Join(parts, "; ")
}

// Unwrap is the end of the caller's context, if that is why. The attempts are not unwrapped: an *Error found in an error is an answer.
func (u *Unavailable) Unwrap() error { return u.cause }

// Last is what the endpoint asked last answered, nil if it gave no answer at all: its status tells a caller that was throttled from one
// that reached nobody.
func (u *Unavailable) Last() *Error {
	if len(u.Attempts) == 0 {
		return nil
	}
	var answer *Error
	if !errors.As(u.Attempts[len(u.Attempts)-1].Err, &answer) {
		return nil
	}
	return answer
}
