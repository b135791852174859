package access

import (
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// Kind of caller; the zero value is anonymous and may do nothing signed.
type Kind int

// The kinds of caller.
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
	UniqueID     string       // AIDA… or AROA… of the user or role itself
	AccessKeyID  string
	Region       string           // the signature's scope
	Tags         identity.Tags    // principal tags: the role's or user's, overlaid by the session's
	Session      *session.Session // nil for a user's own keys
	Role         *store.Role      // of an AssumedRole
	User         *store.User      // of a User or UserSession
}
