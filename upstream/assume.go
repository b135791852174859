package upstream

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// Mode is how a role of an upstream account is assumed. The zero value is unknown and refused. The texts are those of store.UpstreamMode.
type Mode string

// The modes.
const (
	WebIdentity Mode = "web-identity" // with the pod's own token: no session tags on the role itself
	AssumeRole  Mode = "assume-role"  // under the server's own credentials, with session tags
)

// AssumeRequest asks for a session of a role that lives elsewhere.
type AssumeRequest struct {
	Mode      Mode
	Endpoints []string // as ParseEndpoint reads them, the preferred one first
	Region    string   // of endpoints that don't name theirs

	InsecureHTTP bool // endpoints off loopback may be http

	RoleARN       string
	TargetRoleARN string // assumed from the first role's session; "" none
	SessionName   string // 2–64 characters, of both sessions
	Token         string // the pod's, raw; WebIdentity alone sends it

	Tags           identity.Tags
	TransitiveKeys []string // of Tags; nil: all of them, as EKS has it
	ExternalID     string   // sent with the last AssumeRole; not sent by WebIdentity without a target
	Policy         string   // session policy of the last session

	Duration time.Duration // at most an hour, which is also what 0 means
}

// String keeps the token out of logs, whatever verb prints the request.
func (r AssumeRequest) String() string { return string(r.Mode) + " of " + r.RoleARN }

// GoString is String, for %#v.
func (r AssumeRequest) GoString() string { return r.String() }

// Assumed is a session of the role, or of the target role if one was asked for.
type Assumed struct {
	Credentials    Credentials
	AssumedRoleARN string // "" where the service doesn't say, as MinIO
	AssumedRoleID  string // "AROA…:name"; likewise
	Endpoint       string // base URL of the endpoint that issued the credentials
	Tagged         bool   // the session tags were sent
}

// Credentials are temporary ones.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expiration                                 time.Time
}

// String names the credentials without giving them away.
func (c Credentials) String() string { return c.AccessKeyID }

// GoString is String, for %#v.
func (c Credentials) GoString() string { return c.AccessKeyID }
