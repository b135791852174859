package access

import (
	"net/netip"
	"time"

	"github.com/podpass/podpass/server/sigv4"
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

// Gate authenticates and authorises; every signed request goes through both. It is safe for concurrent use.
type Gate struct {
	Config
	keys sigv4.Keys
}

// New makes a Gate.
func New(c Config) *Gate {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Managed == nil {
		c.Managed = func(string) (string, bool) { return "", false }
	}
	return &Gate{Config: c}
}
