package access

import (
	"net/http"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// Kind of caller; the zero value is anonymous and may do nothing signed.
type Kind int

const (
	Anonymous Kind = iota
	User
	AssumedRole
	UserSession // GetSessionToken of a user
)

// Caller is an authenticated principal. It is passed as an argument, never through a context.
type Caller struct {
	Kind         Kind
	Account      identity.Account
	ARN          identity.ARN // as GetCallerIdentity says: user ARN or assumed-role ARN
	PrincipalARN identity.ARN // aws:PrincipalArn: role ARN with its path, or user ARN
	UserID       string       // aws:userid: AIDA…, AROA…:session
	AccessKeyID  string
	Tags         identity.Tags    // principal tags: the role's or user's, overlaid by the session's
	Session      *session.Session // nil for a user's own keys
	Role         *store.Role      // of an AssumedRole
	User         *store.User      // of a User or UserSession
}

// Gate authenticates and authorises; every signed request goes through both.
type Gate struct{}

// Authenticate verifies the SigV4 signature of r (header or presigned) over body, opens the session, checks that role or user still exist,
// expiry, revocation and key status. service is the signing name required ("sts"). Errors are *awserr.Error.
func (g *Gate) Authenticate(r *http.Request, body []byte, service string) (Caller, error) {
	panic("contract")
}

// Policies gathers what applies to a caller: identity (inline+managed), boundary, session policies.
func (g *Gate) Policies(c Caller) (policy.Policies, error) { panic("contract") }

// Context builds the condition keys every call has (facts: wire 12.6), caller's included.
func (g *Gate) Context(r *http.Request, c Caller) *policy.Context { panic("contract") }

// Authorise evaluates the caller's own policies for an action on a resource in the caller's account; extra keys are
// overlaid. A refusal is an *awserr.Error AccessDenied "User: ARN is not authorized to perform: ACTION on resource: RES [because…]".
func (g *Gate) Authorise(r *http.Request, c Caller, action, resource string, extra *policy.Context) (policy.Decision, error) {
	panic("contract")
}
