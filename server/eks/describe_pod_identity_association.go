package eks

import (
	"context"

	"github.com/podpass/podpass/server/restjson"
)

func (s *service) describeAssociation(_ context.Context, c *restjson.Call, in *onAssociation) (*one, error) {
	cluster, a, err := s.on(c, "DescribePodIdentityAssociation", *in)
	if err != nil {
		return nil, err
	}
	return show(cluster, a), nil
}
