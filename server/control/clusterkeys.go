package control

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/token"
)

// clusterKeys gives a node's agent what it verifies tokens with. They are public keys; which clusters there are is not public.
func (s *service) clusterKeys(ctx context.Context, c *restjson.Call, in *onCluster) (*api.ClusterKeysResult, error) {
	cluster, err := s.cluster(c, "GetClusterKeys", in.Cluster)
	if err != nil {
		return nil, err
	}
	set, err := s.Keys.Published(ctx, cluster)
	var why *token.Error
	switch {
	case errors.As(err, &why) && why.Reason == token.KeysUnavailable:
		return nil, awserr.ServiceUnavailable(err) // whoever asked goes on with what it has
	case errors.As(err, &why):
		return nil, conflict("Cluster %s has no keys: register it again (podpass cluster register).", cluster.Name).Because(err)
	case err != nil:
		return nil, err
	}
	document, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	c.Event.Routine = true // every node asks once a minute
	return &api.ClusterKeysResult{Issuer: cluster.Issuer.String(), JWKS: document}, nil
}
