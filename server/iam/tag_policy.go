package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) tagPolicy(ctx context.Context, c *awsquery.Call, in *policyTags) (*none, error) {
	tags := fromWire(in.Tags)
	return nil, s.changePolicy(ctx, c, "iam:TagPolicy", in.PolicyArn, func(_ *store.Tx, p *store.Policy) error {
		return addTags(&p.Tags, tags)
	}, requestTags(tags))
}

func (s *service) untagPolicy(ctx context.Context, c *awsquery.Call, in *policyTagKeys) (*none, error) {
	return nil, s.changePolicy(ctx, c, "iam:UntagPolicy", in.PolicyArn, func(_ *store.Tx, p *store.Policy) error {
		p.Tags = p.Tags.Without(in.TagKeys)
		return nil
	}, requestTagKeys(in.TagKeys))
}

func (s *service) listPolicyTags(_ context.Context, c *awsquery.Call, in *policyPage) (*tagList, error) {
	p, err := s.policy(c, "iam:ListPolicyTags", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return listTags(p.Tags, in.page)
}
