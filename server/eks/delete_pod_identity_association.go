package eks

import (
	"context"

	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

// deleteAssociation answers with what it deleted.
func (s *service) deleteAssociation(ctx context.Context, c *restjson.Call, in *onAssociation) (*one, error) {
	cluster, a, err := s.on(c, "DeletePodIdentityAssociation", *in)
	if err != nil {
		return nil, err
	}
	var deleted *store.Association
	err = s.Store.Transact(ctx, func(tx *store.Tx) error {
		key, now, err := s.read(tx, a)
		if err != nil {
			return err
		}
		deleted = now
		store.Write(tx, s.Store.Associations, key, nil)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return show(cluster, deleted), nil
}
