package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// KeySource says where a cluster's verification keys come from. The zero value is unknown: every token is refused.
type KeySource string

const (
	KeysPinned    KeySource = "jwks"      // Cluster.JWKS
	KeysDiscovery KeySource = "discovery" // OIDC discovery at the issuer
	KeysAPIServer KeySource = "apiserver" // the API server's /openid/v1/jwks, through Kubeconfig
	KeysHosted    KeySource = "hosted"    // podpass is the issuer
	KeysInCluster KeySource = "incluster" // the API server of the cluster that podpass itself runs in, as its own service account
)

// Cluster is a registered cluster. Its name is unique per installation, and its key.
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

// ARN is the cluster's.
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

// String names the key and keeps its PEM out of logs.
func (k SigningKey) String() string { return "signing key " + k.ID }

// GoString is String, for %#v.
func (k SigningKey) GoString() string { return k.String() }

var clusterIndexes = []index[Cluster]{
	{name: ByIssuer, guarded: true, values: func(c *Cluster, add func(string)) { add(c.Issuer.String()) }},
	{name: ByAccount, guarded: true, values: func(c *Cluster, add func(string)) { add(string(c.Account)) }},
}
