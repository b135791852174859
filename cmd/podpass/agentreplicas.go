package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/token"
)

// serverList is the replicas of one podpass server. The one that answered last is asked first; where it does not answer, the next time the
// next is. A refusal is an answer.
type serverList struct {
	clients []*api.Client
	at      atomic.Uint32
}

func (s *serverList) current() (client *api.Client, failed func(error)) {
	at := s.at.Load()
	return s.clients[int(at)%len(s.clients)], func(err error) {
		if err != nil && !errors.As(err, new(*api.Error)) {
			s.at.CompareAndSwap(at, at+1)
		}
	}
}

// WatchAssociations makes the list an agent.AssociationWatcher. Revisions are the store's, which all replicas share.
func (s *serverList) WatchAssociations(ctx context.Context, in *api.WatchAssociationsRequest) (*api.WatchAssociationsResult, error) {
	client, failed := s.current()
	out, err := client.WatchAssociations(ctx, in)
	failed(err)
	return out, err
}

// keys asks the replicas in turn, within the one call: a token waits for it.
func (s *serverList) keys(ctx context.Context, cluster string) (out *api.ClusterKeysResult, err error) {
	for range s.clients {
		client, failed := s.current()
		if out, err = client.GetClusterKeys(ctx, cluster); err == nil || errors.As(err, new(*api.Error)) {
			return out, err
		}
		failed(err)
	}
	return nil, err
}

// serverKeys are those the podpass server knows the cluster by.
func serverKeys(servers *serverList, cluster string) token.Source {
	return token.Refreshing(func(ctx context.Context) (*token.KeySet, error) {
		out, err := servers.keys(ctx, cluster)
		if err != nil {
			return nil, err
		}
		return token.ParseJWKS(out.JWKS)
	}, time.Now)
}
