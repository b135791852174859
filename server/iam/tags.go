package iam

import (
	"context"
	"slices"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// tag is a tag as the wire has it.
type tag struct {
	Key   string
	Value *string
}

func (t tag) value() string {
	if t.Value == nil {
		return ""
	}
	return *t.Value
}

// tagList is the response of every listing of tags.
type tagList struct {
	Tags []tag
	rest
}

func fromWire(tags []tag) identity.Tags {
	var out identity.Tags
	for _, t := range tags {
		out = append(out, identity.Tag{Key: t.Key, Value: t.value()})
	}
	return out
}

// shownTags is nil, and so not written, where there are none.
func shownTags(tags identity.Tags) []tag {
	var out []tag
	for _, t := range tags {
		out = append(out, tag{t.Key, &t.Value})
	}
	return out
}

func listTags(tags identity.Tags, p page) (*tagList, error) {
	shown, more, err := take(p, listed(shownTags(tags)))
	if err != nil {
		return nil, err
	}
	return &tagList{shown, more}, nil
}

// addTags overlays a set by the tags of a request.
func addTags(set *identity.Tags, add identity.Tags) error {
	if err := checkTagSet(add); err != nil {
		return err
	}
	merged := set.With(add)
	if len(merged) > maxTags {
		return limitExceeded("The number of tags has reached the maximum limit.")
	}
	*set = slices.Clone(merged)
	return nil
}

func (s *service) tagActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("TagRole", func(ctx context.Context, c *awsquery.Call, in *roleTags) (*none, error) {
			return nil, s.roles.tag(ctx, c, "iam:TagRole", in.RoleName, fromWire(in.Tags))
		}),
		awsquery.NewAction("UntagRole", func(ctx context.Context, c *awsquery.Call, in *roleTagKeys) (*none, error) {
			return nil, s.roles.untag(ctx, c, "iam:UntagRole", in.RoleName, in.TagKeys)
		}),
		awsquery.NewAction("ListRoleTags", func(_ context.Context, c *awsquery.Call, in *rolePage) (*tagList, error) {
			return s.roles.listTags(c, "iam:ListRoleTags", in.RoleName, in.page)
		}),
		awsquery.NewAction("TagUser", func(ctx context.Context, c *awsquery.Call, in *userTags) (*none, error) {
			return nil, s.users.tag(ctx, c, "iam:TagUser", in.UserName, fromWire(in.Tags))
		}),
		awsquery.NewAction("UntagUser", func(ctx context.Context, c *awsquery.Call, in *userTagKeys) (*none, error) {
			return nil, s.users.untag(ctx, c, "iam:UntagUser", in.UserName, in.TagKeys)
		}),
		awsquery.NewAction("ListUserTags", func(_ context.Context, c *awsquery.Call, in *userPage) (*tagList, error) {
			return s.users.listTags(c, "iam:ListUserTags", in.UserName, in.page)
		}),
		awsquery.NewAction("TagPolicy", s.tagPolicy),
		awsquery.NewAction("UntagPolicy", s.untagPolicy),
		awsquery.NewAction("ListPolicyTags", s.listPolicyTags),
		awsquery.NewAction("TagOpenIDConnectProvider", s.tagProvider),
		awsquery.NewAction("UntagOpenIDConnectProvider", s.untagProvider),
		awsquery.NewAction("ListOpenIDConnectProviderTags", s.listProviderTags),
	}
}

func (k kind[T]) tag(ctx context.Context, c *awsquery.Call, action, name string, tags identity.Tags) error {
	return k.change(ctx, c, action, name, func(_ *store.Tx, v *T) error { return addTags(k.hold(v).tags, tags) }, requestTags(tags))
}

func (k kind[T]) untag(ctx context.Context, c *awsquery.Call, action, name string, names []string) error {
	return k.change(ctx, c, action, name, func(_ *store.Tx, v *T) error {
		set := k.hold(v).tags
		*set = set.Without(names)
		return nil
	}, requestTagKeys(names))
}

func (k kind[T]) listTags(c *awsquery.Call, action, name string, p page) (*tagList, error) {
	v, err := k.get(c, action, name)
	if err != nil {
		return nil, err
	}
	return listTags(*k.hold(v).tags, p)
}
