package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// (contract: the owner of this package moves each aggregate into a file of its own, with its table and its keys)

// Account is hosted here. (Upstream accounts come with Pod Identity.)
type Account struct {
	ID      identity.Account `json:"id"`
	Name    string           `json:"name,omitempty"`
	Created time.Time        `json:"created"`
}

// Tag lists are identity.Tags everywhere.

// Role is an IAM role with everything attached to it.
type Role struct {
	Account     identity.Account  `json:"account"`
	Partition   string            `json:"partition"`
	Path        string            `json:"path"`
	Name        string            `json:"name"`
	ID          string            `json:"id"` // AROA…
	Description string            `json:"description,omitempty"`
	MaxSession  int               `json:"maxSession"`          // seconds
	Trust       string            `json:"trust"`               // trust policy as written
	TrustPins   map[string]string `json:"trustPins,omitempty"` // principal ARN -> unique id when saved (policy.Request.Pins)
	Tags        identity.Tags     `json:"tags,omitempty"`
	Boundary    string            `json:"boundary,omitempty"` // policy ARN
	Inline      map[string]string `json:"inline,omitempty"`   // name -> document
	Attached    []string          `json:"attached,omitempty"` // policy ARNs, in order of attachment
	Created     time.Time         `json:"created"`
}

func (r *Role) ARN() identity.ARN {
	return r.Account.IAM(r.Partition, "role"+r.Path+r.Name)
}

// User is an IAM user, for operators and nodes without another identity.
type User struct {
	Account   identity.Account  `json:"account"`
	Partition string            `json:"partition"`
	Path      string            `json:"path"`
	Name      string            `json:"name"`
	ID        string            `json:"id"` // AIDA…
	Tags      identity.Tags     `json:"tags,omitempty"`
	Boundary  string            `json:"boundary,omitempty"`
	Inline    map[string]string `json:"inline,omitempty"`
	Attached  []string          `json:"attached,omitempty"`
	Created   time.Time         `json:"created"`
}

func (u *User) ARN() identity.ARN { return u.Account.IAM(u.Partition, "user"+u.Path+u.Name) }

// AccessKey is a user's long-term key.
type AccessKey struct {
	ID      string           `json:"id"` // AKIA…
	Account identity.Account `json:"account"`
	User    string           `json:"user"`
	UserID  string           `json:"userId"`
	Secret  string           `json:"secret"`
	Active  bool             `json:"active"`
	Created time.Time        `json:"created"`
}

// Policy is a managed policy. AWS's own (account "aws") are not stored.
type Policy struct {
	Account     identity.Account `json:"account"`
	Partition   string           `json:"partition"`
	Path        string           `json:"path"`
	Name        string           `json:"name"`
	ID          string           `json:"id"` // ANPA…
	Description string           `json:"description,omitempty"`
	Tags        identity.Tags    `json:"tags,omitempty"`
	Versions    []PolicyVersion  `json:"versions"` // oldest first
	Default     string           `json:"default"`  // "v1"
	Next        int              `json:"next"`     // number of the next version; never reused
	Created     time.Time        `json:"created"`
	Updated     time.Time        `json:"updated"`
}

type PolicyVersion struct {
	ID       string    `json:"id"` // "v1"
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

func (p *Policy) ARN() identity.ARN { return p.Account.IAM(p.Partition, "policy"+p.Path+p.Name) }

// Provider is an IAM OIDC provider.
type Provider struct {
	Account     identity.Account `json:"account"`
	Partition   string           `json:"partition"`
	Issuer      identity.Issuer  `json:"issuer"`
	ClientIDs   []string         `json:"clientIds,omitempty"`
	Thumbprints []string         `json:"thumbprints,omitempty"`
	Tags        identity.Tags    `json:"tags,omitempty"`
	Created     time.Time        `json:"created"`
}

func (p *Provider) ARN() identity.ARN { return p.Issuer.ProviderARN(p.Partition, p.Account) }

// KeySource says where a cluster's verification keys come from. The zero value is unknown: every token is refused.
type KeySource string

const (
	KeysPinned    KeySource = "jwks"      // Cluster.JWKS
	KeysDiscovery KeySource = "discovery" // OIDC discovery at the issuer
	KeysAPIServer KeySource = "apiserver" // the API server's /openid/v1/jwks, through Kubeconfig
	KeysHosted    KeySource = "hosted"    // podpass is the issuer
)

// Cluster is a registered cluster. Its name is unique per installation.
type Cluster struct {
	Name        string           `json:"name"`
	Account     identity.Account `json:"account"`
	Partition   string           `json:"partition"`
	Region      string           `json:"region"`
	Issuer      identity.Issuer  `json:"issuer"`
	Keys        KeySource        `json:"keys"`
	JWKS        string           `json:"jwks,omitempty"`
	Kubeconfig  string           `json:"kubeconfig,omitempty"` // YAML, self-contained
	AllowNoPod  bool             `json:"allowNoPod,omitempty"`
	TokenReview bool             `json:"tokenReview,omitempty"`
	SigningKeys []SigningKey     `json:"signingKeys,omitempty"` // hosted only, oldest first
	Tags        identity.Tags    `json:"tags,omitempty"`
	Created     time.Time        `json:"created"`
}

func (c *Cluster) ARN() identity.ARN {
	return identity.MustARN("arn:" + c.Partition + ":eks:" + c.Region + ":" + string(c.Account) + ":cluster/" + c.Name)
}

// SigningKey of a hosted cluster's issuer. Published in the JWKS while present; signs once Active.
type SigningKey struct {
	ID      string    `json:"id"` // kid
	PEM     string    `json:"pem"`
	Created time.Time `json:"created"`
	Active  bool      `json:"active"`
	Retired time.Time `json:"retired,omitzero"`
}

// ServiceAccount of a hosted cluster.
type ServiceAccount struct {
	Cluster     string            `json:"cluster"`
	Namespace   string            `json:"namespace"`
	Name        string            `json:"name"`
	UID         string            `json:"uid"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Created     time.Time         `json:"created"`
}

// Association of a service account with a role. (Its API comes with Pod Identity; apply writes it and run reads it.)
type Association struct {
	Cluster            string        `json:"cluster"`
	Namespace          string        `json:"namespace"`
	ServiceAccount     string        `json:"serviceAccount"`
	ID                 string        `json:"id"` // a-…
	RoleARN            string        `json:"roleArn"`
	TargetRoleARN      string        `json:"targetRoleArn,omitempty"`
	DisableSessionTags bool          `json:"disableSessionTags,omitempty"`
	Policy             string        `json:"policy,omitempty"`
	Tags               identity.Tags `json:"tags,omitempty"`
	Created            time.Time     `json:"created"`
	Modified           time.Time     `json:"modified"`
}

// Revocation ends sessions before their time.
type Revocation struct {
	RoleID       string    `json:"roleId,omitempty"` // with IssuedBefore
	IssuedBefore time.Time `json:"issuedBefore,omitzero"`
	SessionID    string    `json:"sessionId,omitempty"` // hex
	Expires      time.Time `json:"expires,omitzero"`    // may be dropped after
}
