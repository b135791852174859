package agent

import (
	"context"
	"net/http"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
)

// Backend obtains credentials where they are made: EKS Auth, ours or AWS's, or any STS.
type Backend interface {
	// Obtain exchanges a pod's token. An *Error is the service's answer; any other error is that there was none.
	Obtain(ctx context.Context, r Request) (*Credentials, error)
}

// Request is what a Backend is asked.
type Request struct {
	Token  string       // the raw JWT, never logged
	Claims token.Claims // of Token; believed only if the agent has the cluster's keys
	Role   identity.ARN // asked for by the pod; zero: that of its association, or what the backend has for it
}

// String keeps the token out of logs, whatever verb prints the request.
func (r Request) String() string {
	if !r.Role.IsZero() {
		return "request of " + r.Role.String() + " for " + r.Claims.Subject
	}
	return "request for " + r.Claims.Subject
}

// GoString is String, for %#v.
func (r Request) GoString() string { return r.String() }

// Credentials are what a pod gets.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	AccountID                                  string // 12 digits
	Expiration                                 time.Time
	AssociationID                              string // a-…; "" behind an STS
	Endpoint                                   string // base URL that issued them
}

// String names the credentials without giving them away.
func (c Credentials) String() string { return c.AccessKeyID }

// GoString is String, for %#v.
func (c Credentials) GoString() string { return c.AccessKeyID }

// Error is a refusal with its HTTP status, the service's or the agent's own.
type Error struct {
	Status    int
	Code      string // "AccessDeniedException"
	Message   string // AWS's text
	Reason    string // ours: what is wrong and what to do; for the second line and the header Podpass-Reason
	RequestID string // the service's
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Final reports whether the service has spoken: asking again with the same token cannot help, and credentials it gave before are
// forgotten. Anything else (throttling, a fault of the service, no answer) leaves cached credentials as good as they were; so does a 403, with
// which EKS Auth refuses the agent's own credentials: what it says of a pod's token or role is a 400 or 404.
func (e *Error) Final() bool {
	if e.Status == http.StatusForbidden {
		return false
	}
	switch e.Code {
	case "ResourceNotFoundException", "ExpiredTokenException", "InvalidTokenException", "AccessDeniedException":
		return true
	}
	return false
}
