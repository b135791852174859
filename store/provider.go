package store

import (
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
)

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

// ARN is the provider's: the issuer without its scheme.
func (p *Provider) ARN() identity.ARN { return p.Issuer.ProviderARN(p.Partition, p.Account) }

// ProviderKey is ACCOUNT/host/path of a provider's ARN, exactly as written: issuers differ by case. "", which no record has, for any other text.
func ProviderKey(arn string) string {
	a, err := identity.ParseARN(arn)
	if err != nil || a.Service() != "iam" || a.Account() == "" {
		return ""
	}
	hostPath, ok := strings.CutPrefix(a.Resource(), "oidc-provider/")
	if !ok || hostPath == "" {
		return ""
	}
	return string(a.Account()) + "/" + hostPath
}

var providerIndexes = []index[Provider]{
	{name: ByIssuer, guarded: true, values: func(p *Provider, add func(string)) { add(p.Issuer.String()) }},
}
