package eks

import (
	"context"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/restjson"
)

type listTagsForResource struct {
	ARN string `label:"resourceArn" json:"-"`
}

type tagsResult struct {
	Tags map[string]string `json:"tags"`
}

func (s *service) listTagsForResource(_ context.Context, c *restjson.Call, in *listTagsForResource) (*tagsResult, error) {
	r, err := s.resource(c, "ListTagsForResource", in.ARN, func(*policy.Context) {})
	if err != nil {
		return nil, err
	}
	return &tagsResult{tagMap(r.tags())}, nil
}
