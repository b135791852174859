package iam

import (
	"context"
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
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
