package access

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/store"
)

// Config is what a Gate stands on.
type Config struct {
	Store *store.Store
	Now   func() time.Time // default: the system's clock
	// TrustedProxies may say with X-Forwarded-For and X-Forwarded-Proto who asked and how; nobody else may.
	TrustedProxies []netip.Prefix
	// Region is aws:RequestedRegion of calls that don't name one: unsigned, under a host name of our own.
	Region string
	// Managed finds the document of an AWS-managed policy (arn:aws:iam::aws:policy/…); default: there are none.
	Managed func(arn string) (document string, ok bool)
}

// Gate authenticates and authorises; every signed request goes through both.
type Gate struct{ Config }

// New makes a Gate.
func New(c Config) *Gate {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Managed == nil {
		c.Managed = func(string) (string, bool) { return "", false }
	}
	return &Gate{c}
}

// Authenticate verifies the SigV4 signature of r (header or presigned) over body, opens the session, checks that role or user still exist,
// expiry, revocation and key status. service is the signing name required ("sts"). Errors are *awserr.Error.
func (g *Gate) Authenticate(r *http.Request, body []byte, service string) (Caller, error) {
	panic("contract")
}

// Policies gathers what applies to a caller: identity (inline+managed), boundary, session policies.
func (g *Gate) Policies(c Caller) (policy.Policies, error) { panic("contract") }

// Context builds the condition keys every call has (facts: wire 12.6), caller's included.
func (g *Gate) Context(r *http.Request, c Caller) *policy.Context { panic("contract") }

// Authorise evaluates the caller's own policies for an action on a resource in the caller's account.
func (g *Gate) Authorise(r *http.Request, c Caller, action, resource string, extra *policy.Context) (policy.Decision, error) {
	panic("contract")
}
