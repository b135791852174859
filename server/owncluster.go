package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/server/control"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// ownCluster is nil where the server runs in no cluster.
func (c *Config) ownCluster() func() (*http.Client, string, error) {
	if c.Cluster == nil {
		return nil
	}
	return keys.OwnClient(c.Cluster)
}

// RegisterOwnCluster registers the cluster that the server runs in, whose API server is asked for the issuer and, from then on, for the keys. Doing
// so again changes what has changed.
func (s *Server) RegisterOwnCluster(ctx context.Context, name string, tokenReview bool) (api.Change, *store.Cluster, error) {
	if s.config.Cluster == nil {
		return "", nil, errors.New("the server was not told that it runs in a cluster")
	}
	issuer, err := s.ownIssuer(ctx)
	if err != nil {
		return "", nil, err
	}
	return control.RegisterOwn(ctx, s.environment(), s.keys, control.OwnCluster{Name: name, Issuer: issuer, TokenReview: tokenReview})
}

// OwnClusterIs reports whether the cluster that the server runs in is registered so, its issuer being what the API server says now. Nothing is
// changed, and no key fetched.
func (s *Server) OwnClusterIs(ctx context.Context, name string, tokenReview bool) (bool, error) {
	issuer, err := s.ownIssuer(ctx)
	if err != nil {
		return false, err
	}
	there, ok := s.store.Clusters.Get(name)
	return ok && there.Keys == store.KeysInCluster && there.Issuer.String() == issuer && there.TokenReview == tokenReview, nil
}

func (s *Server) ownIssuer(ctx context.Context) (string, error) {
	client, base, err := keys.OwnClient(s.config.Cluster)()
	if err == nil {
		var issuer string
		if issuer, err = token.APIServerIssuer(ctx, client, base); err == nil {
			return issuer, nil
		}
	}
	return "", fmt.Errorf("the issuer of the cluster's tokens: %w (its service account needs the cluster role system:service-account-issuer-discovery)", err)
}
