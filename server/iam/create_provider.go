package iam

import (
	"context"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

type createProvider struct {
	Url            string
	ClientIDList   []string
	ThumbprintList []string
	Tags           []tag
}

func (in *createProvider) Validate(v *awsquery.Validator) {
	text(v, "url", in.Url, 1, 255, "", nil)
	checkClientIDs(v, in.ClientIDList)
	checkThumbprints(v, in.ThumbprintList)
	checkTags(v, in.Tags)
}

func checkClientIDs(v *awsquery.Validator, ids []string) {
	for _, id := range ids {
		text(v, "clientIDList", id, 1, 255, "", nil)
	}
}

func checkThumbprints(v *awsquery.Validator, prints []string) {
	for _, p := range prints {
		text(v, "thumbprintList", p, 40, 40, "", nil)
	}
}

type createdProvider struct {
	OpenIDConnectProviderArn string
	Tags                     []tag
}

func (s *service) createProvider(ctx context.Context, c *awsquery.Call, in *createProvider) (*createdProvider, error) {
	issuer, err := s.issuer(in.Url)
	if err != nil {
		return nil, awserr.Validation("Invalid Open ID Connect Provider URL").Because(err)
	}
	p := &store.Provider{
		Account: c.Caller.Account, Partition: partition(c), Issuer: issuer, ClientIDs: distinct(in.ClientIDList),
		Thumbprints: in.ThumbprintList, Tags: fromWire(in.Tags), Created: s.Now().UTC().Truncate(time.Second),
	}
	arn := p.ARN().String()
	if err := s.authorise(c, "iam:CreateOpenIDConnectProvider", arn, arn, conditionKeys(holder{}, []key{requestTags(p.Tags)})); err != nil {
		return nil, err
	}
	if err := checkProvider(p); err != nil {
		return nil, err
	}
	_, err = s.Store.Providers.Update(ctx, store.ProviderKey(arn), func(old *store.Provider) (*store.Provider, error) {
		if old != nil {
			return nil, alreadyExists("Provider with url %s already exists.", in.Url)
		}
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	return &createdProvider{arn, some(shownTags(p.Tags))}, nil
}

// issuer reads a provider's URL. http and ports, which AWS doesn't admit, are for the issuers of registered clusters: on a laptop and in a lab
// other accounts, too, want roles for such a cluster's service accounts.
func (s *service) issuer(url string) (identity.Issuer, error) {
	issuer, err := identity.ParseIssuer(url, identity.IssuerRules{})
	if err == nil {
		return issuer, nil
	}
	if issuer, lax := identity.ParseIssuer(url, identity.IssuerRules{Port: true, HTTP: true}); lax == nil {
		if len(s.Store.Clusters.By(store.ByIssuer, issuer.String())) > 0 {
			return issuer, nil
		}
	}
	return identity.Issuer{}, err
}

// checkProvider holds the rules of a whole provider that the API model does not state.
func checkProvider(p *store.Provider) error {
	if len(p.ClientIDs) > maxClientIDs {
		return limitExceeded("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClientIDs)
	}
	if len(p.Thumbprints) > maxThumbprints {
		return invalidInput("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	return checkTagSet(p.Tags)
}
