package iam

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) providerActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("CreateOpenIDConnectProvider", s.createProvider),
		awsquery.NewAction("GetOpenIDConnectProvider", s.getProvider),
		awsquery.NewAction("ListOpenIDConnectProviders", s.listProviders),
		awsquery.NewAction("DeleteOpenIDConnectProvider", s.deleteProvider),
		awsquery.NewAction("AddClientIDToOpenIDConnectProvider", s.addClientID),
		awsquery.NewAction("RemoveClientIDFromOpenIDConnectProvider", s.removeClientID),
		awsquery.NewAction("UpdateOpenIDConnectProviderThumbprint", s.updateThumbprint),
	}
}

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
	issuer, err := identity.ParseIssuer(in.Url, s.allowIssuer)
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
	have := 0
	for range s.Store.Providers.List(accountPrefix(c.Caller.Account), "") {
		have++
	}
	if have >= maxProviders {
		return nil, limitExceeded("Cannot exceed quota for OpenIdConnectProvidersPerAccount: %d", maxProviders)
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

type providerARN struct{ OpenIDConnectProviderArn string }

func (in *providerARN) Validate(v *awsquery.Validator) {
	checkARN(v, "openIDConnectProviderArn", in.OpenIDConnectProviderArn)
}

type providerPage struct {
	OpenIDConnectProviderArn string
	page
}

func (in *providerPage) Validate(v *awsquery.Validator) {
	checkARN(v, "openIDConnectProviderArn", in.OpenIDConnectProviderArn)
	in.check(v)
}

// permitProvider authorises an action on a provider of the caller's account, found or nil.
func (s *service) permitProvider(c *awsquery.Call, action, arn string, found *store.Provider, keys []key) error {
	a, err := identity.ParseARN(arn)
	if err != nil || a.Service() != "iam" || a.Region() != "" || !strings.HasPrefix(a.Resource(), "oidc-provider/") {
		return invalidARN().Because(err)
	}
	if a.Account() != c.Caller.Account {
		return s.foreign(c, action, a)
	}
	var h holder
	if found != nil {
		h.tags = &found.Tags
	}
	return s.authorise(c, action, arn, arn, conditionKeys(h, keys))
}

// find is the provider of exactly this ARN.
func (s *service) findProvider(arn string) *store.Provider {
	p, ok := s.Store.Providers.Get(store.ProviderKey(arn))
	if !ok || p.ARN().String() != arn {
		return nil
	}
	return p
}

// provider is one of the caller's, for an action that only shows it.
func (s *service) provider(c *awsquery.Call, action, arn string) (*store.Provider, error) {
	p := s.findProvider(arn)
	if err := s.permitProvider(c, action, arn, p, nil); err != nil {
		return nil, err
	}
	if p == nil {
		return nil, noSuchEntity("OpenIDConnect Provider not found for arn %s", arn)
	}
	return p, nil
}

func (s *service) changeProvider(
	ctx context.Context, c *awsquery.Call, action, arn string, do func(*store.Provider) error, keys ...key,
) error {
	_, err := s.Store.Providers.Update(ctx, store.ProviderKey(arn), func(p *store.Provider) (*store.Provider, error) {
		if p != nil && p.ARN().String() != arn {
			p = nil
		}
		if err := s.permitProvider(c, action, arn, p, keys); err != nil {
			return nil, err
		}
		if p == nil {
			return nil, noSuchEntity("OpenIDConnect Provider not found for arn %s", arn)
		}
		return p, do(p)
	})
	return err
}

type shownProvider struct {
	Url            string
	ClientIDList   []string
	ThumbprintList []string
	CreateDate     time.Time
	Tags           []tag
}

func (s *service) getProvider(_ context.Context, c *awsquery.Call, in *providerARN) (*shownProvider, error) {
	p, err := s.provider(c, "iam:GetOpenIDConnectProvider", in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return &shownProvider{
		Url: p.Issuer.HostPath(), ClientIDList: some(p.ClientIDs), ThumbprintList: some(p.Thumbprints), CreateDate: p.Created, Tags: some(shownTags(p.Tags)),
	}, nil
}

// some makes an empty list one that is written.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type providerEntry struct{ Arn string }

type providerList struct{ OpenIDConnectProviderList []providerEntry }

func (s *service) listProviders(_ context.Context, c *awsquery.Call, _ *none) (*providerList, error) {
	shown := c.Caller.Account.IAM(partition(c), "oidc-provider/*").String()
	if err := s.authorise(c, "iam:ListOpenIDConnectProviders", "*", shown, nil); err != nil {
		return nil, err
	}
	out := &providerList{OpenIDConnectProviderList: []providerEntry{}}
	for _, p := range s.Store.Providers.List(accountPrefix(c.Caller.Account), "") {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, providerEntry{p.ARN().String()})
	}
	return out, nil
}

// deleteProvider is idempotent, as documented: an unknown one is already deleted.
func (s *service) deleteProvider(ctx context.Context, c *awsquery.Call, in *providerARN) (*none, error) {
	arn := in.OpenIDConnectProviderArn
	if p := s.findProvider(arn); p == nil {
		return nil, s.permitProvider(c, "iam:DeleteOpenIDConnectProvider", arn, nil, nil)
	}
	_, err := s.Store.Providers.Update(ctx, store.ProviderKey(arn), func(p *store.Provider) (*store.Provider, error) {
		return nil, s.permitProvider(c, "iam:DeleteOpenIDConnectProvider", arn, p, nil)
	})
	return nil, err
}

type clientID struct {
	OpenIDConnectProviderArn string
	ClientID                 string
}

func (in *clientID) Validate(v *awsquery.Validator) {
	checkARN(v, "openIDConnectProviderArn", in.OpenIDConnectProviderArn)
	text(v, "clientID", in.ClientID, 1, 255, "", nil)
}

func (s *service) addClientID(ctx context.Context, c *awsquery.Call, in *clientID) (*none, error) {
	return nil, s.changeProvider(ctx, c, "iam:AddClientIDToOpenIDConnectProvider", in.OpenIDConnectProviderArn, func(p *store.Provider) error {
		p.ClientIDs = distinct(append(p.ClientIDs, in.ClientID))
		return checkProvider(p)
	})
}

func (s *service) removeClientID(ctx context.Context, c *awsquery.Call, in *clientID) (*none, error) {
	return nil, s.changeProvider(ctx, c, "iam:RemoveClientIDFromOpenIDConnectProvider", in.OpenIDConnectProviderArn, func(p *store.Provider) error {
		p.ClientIDs = slices.DeleteFunc(p.ClientIDs, func(id string) bool { return id == in.ClientID })
		return nil
	})
}

type thumbprints struct {
	OpenIDConnectProviderArn string
	ThumbprintList           []string
}

func (in *thumbprints) Validate(v *awsquery.Validator) {
	checkARN(v, "openIDConnectProviderArn", in.OpenIDConnectProviderArn)
	checkThumbprints(v, in.ThumbprintList)
}

func (s *service) updateThumbprint(ctx context.Context, c *awsquery.Call, in *thumbprints) (*none, error) {
	return nil, s.changeProvider(ctx, c, "iam:UpdateOpenIDConnectProviderThumbprint", in.OpenIDConnectProviderArn, func(p *store.Provider) error {
		p.Thumbprints = in.ThumbprintList
		return checkProvider(p)
	})
}

// distinct keeps the first of equal values.
func distinct(values []string) []string {
	var out []string
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
