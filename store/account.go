package store

import (
	"slices"
	"time"

	"github.com/podpass/podpass/identity"
)

// Account is hosted here, or lives at another STS (Upstream). Its key is its 12-digit id.
type Account struct {
	ID       identity.Account `json:"id"`
	Name     string           `json:"name,omitempty"`
	Upstream *Upstream        `json:"upstream,omitempty"` // nil: hosted here
	Created  time.Time        `json:"created"`
}

// UpstreamMode is how a role of an upstream account is assumed. The zero value is unknown: nothing is.
type UpstreamMode string

const (
	// UpstreamWebIdentity forwards the pod's own token. There are no session tags then.
	UpstreamWebIdentity UpstreamMode = "web-identity"
	// UpstreamAssumeRole sends the session tags under the server's own credentials, for an hour at most.
	UpstreamAssumeRole UpstreamMode = "assume-role"
)

// Upstream says where the roles of an account are assumed, and for whom.
type Upstream struct {
	Mode UpstreamMode `json:"mode"`
	// Endpoints are base URLs of STS, the preferred one first, each as URL or REGION=URL.
	Endpoints []string `json:"endpoints"`
	// InsecureHTTP admits http off loopback among them.
	InsecureHTTP bool `json:"insecureHttp,omitempty"`
	// Accounts are the hosted ones whose clusters' associations may name roles of this account, besides the management account.
	Accounts []identity.Account `json:"accounts,omitempty"`
}

// Serves reports whether an association of a cluster of the account may name roles here.
func (u *Upstream) Serves(account, management identity.Account) bool {
	return management != "" && account == management || slices.Contains(u.Accounts, account)
}
