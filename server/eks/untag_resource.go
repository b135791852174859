package eks

import (
	"context"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/restjson"
)

type untagResource struct {
	ARN  string   `label:"resourceArn" json:"-"`
	Keys []string `query:"tagKeys" json:"-"`
}

func (s *service) untagResource(ctx context.Context, c *restjson.Call, in *untagResource) (*none, error) {
	r, err := s.resource(c, "UntagResource", in.ARN, func(keys *policy.Context) { keys.SetMany("aws:TagKeys", in.Keys) })
	if err != nil {
		return nil, err
	}
	if len(in.Keys) == 0 || len(in.Keys) > maxTags {
		return nil, badRequest("tagKeys: give 1 to %d keys.", maxTags)
	}
	for _, key := range in.Keys {
		if !isTagText(key, 1, maxTagKey) {
			return nil, badRequest("tagKeys: %q is not the key of a tag.", key)
		}
	}
	return nil, s.retag(ctx, r, func(now identity.Tags) (identity.Tags, error) { return now.Without(in.Keys), nil })
}
