package eks

import (
	"cmp"
	"context"
	"slices"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/restjson"
)

type tagResource struct {
	ARN  string            `label:"resourceArn" json:"-"`
	Tags map[string]string `json:"tags"`
}

// none is the answer of an action that says nothing.
type none struct{}

func (s *service) tagResource(ctx context.Context, c *restjson.Call, in *tagResource) (*none, error) {
	tags := tagList(in.Tags)
	r, err := s.resource(c, "TagResource", in.ARN, func(keys *policy.Context) { access.SetRequestTags(keys, tags) })
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, badRequest("tags: give 1 to %d tags.", maxTags)
	}
	if wrong := checkTags(tags); wrong != "" {
		return nil, badRequest("%s", wrong)
	}
	return nil, s.retag(ctx, r, func(now identity.Tags) (identity.Tags, error) {
		merged := slices.Clone(now.With(tags))
		if wrong := checkTags(merged); wrong != "" {
			return nil, badRequest("%s", wrong)
		}
		slices.SortFunc(merged, func(a, b identity.Tag) int { return cmp.Compare(a.Key, b.Key) })
		return merged, nil
	})
}
