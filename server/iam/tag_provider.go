package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) tagProvider(ctx context.Context, c *awsquery.Call, in *providerTags) (*none, error) {
	tags := fromWire(in.Tags)
	return nil, s.changeProvider(ctx, c, "iam:TagOpenIDConnectProvider", in.OpenIDConnectProviderArn, func(p *store.Provider) error {
		return addTags(&p.Tags, tags)
	}, requestTags(tags))
}

func (s *service) untagProvider(ctx context.Context, c *awsquery.Call, in *providerTagKeys) (*none, error) {
	return nil, s.changeProvider(ctx, c, "iam:UntagOpenIDConnectProvider", in.OpenIDConnectProviderArn, func(p *store.Provider) error {
		p.Tags = p.Tags.Without(in.TagKeys)
		return nil
	}, requestTagKeys(in.TagKeys))
}

func (s *service) listProviderTags(_ context.Context, c *awsquery.Call, in *providerPage) (*tagList, error) {
	p, err := s.provider(c, "iam:ListOpenIDConnectProviderTags", in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return listTags(p.Tags, in.page)
}
