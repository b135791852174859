package keys

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// Check finds a cluster's keys now, past every cache, and reports why there are none, or why its tokens couldn't be reviewed though they
// should be: what registering a cluster asks, so that a mistake shows before the first pod meets it.
func (k *Keys) Check(ctx context.Context, c *store.Cluster) error {
	fetch, err := k.fetchOf(c)
	if err != nil {
		return err
	}
	set, err := fetch(ctx)
	if err == nil && set.Len() == 0 {
		err = errors.New("the key set holds no RSA key of 2048 to 4096 bits and no EC key on P-256, P-384 or P-521")
	}
	if err == nil && c.TokenReview {
		err = k.tryReview(ctx, c)
	}
	return err
}

// build makes the source a cluster's record describes; one that always fails if it describes none.
func (k *Keys) build(c *store.Cluster) token.Publisher {
	fetch, err := k.fetchOf(c)
	if err != nil {
		return none(err.Error())
	}
	switch c.Keys {
	case store.KeysDiscovery, store.KeysAPIServer, store.KeysInCluster:
		return token.Refreshing(fetch, k.Now)
	}
	set, err := fetch(context.Background()) // from the record: nothing to wait for
	if err != nil {
		return none(err.Error())
	}
	return token.Static(set)
}

func (k *Keys) fetchOf(c *store.Cluster) (token.Fetch, error) {
	switch c.Keys {
	case store.KeysPinned:
		return parsed([]byte(c.JWKS), nil, c), nil
	case store.KeysHosted:
		doc, err := HostedJWKS(c)
		return parsed(doc, err, c), nil
	case store.KeysDiscovery:
		client := k.Client
		if k.Store.Manages(c.Account) { // others must not make this server knock in its private network
			client = k.RegisteredClient
		}
		return token.Discover(client, c.Issuer.String()), nil
	case store.KeysAPIServer, store.KeysInCluster:
		client, base, err := k.apiServer(c)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
		}
		return token.APIServer(client, base), nil
	}
	return nil, fmt.Errorf("cluster %s has no known key source (%q): register it again", c.Name, c.Keys)
}

// apiServer is a client for a cluster's API server, and its base URL.
func (k *Keys) apiServer(c *store.Cluster) (client *http.Client, base string, err error) {
	switch {
	case c.Keys != store.KeysInCluster:
		return k.ClusterClient(c.Kubeconfig)
	case k.OwnCluster == nil:
		return nil, "", errors.New("its keys are had of the cluster that podpass itself runs in, and this server was not told that it runs in one " +
			"(--register-cluster): give all servers of the installation the same flags, or register the cluster with a kubeconfig")
	}
	return k.OwnCluster()
}

// HostedJWKS is the public document of a hosted cluster's signing keys, all that are present: a key that no longer signs verifies until
// the last token it signed has expired, and one that doesn't sign yet is published ahead.
func HostedJWKS(c *store.Cluster) ([]byte, error) {
	var signing []*token.SigningKey
	for _, stored := range c.SigningKeys {
		key, err := token.ParseSigningKey([]byte(stored.PEM))
		if err != nil {
			return nil, err
		}
		signing = append(signing, key)
	}
	return token.JWKS(signing...)
}

func parsed(doc []byte, err error, c *store.Cluster) token.Fetch {
	return func(context.Context) (*token.KeySet, error) {
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
		}
		set, err := token.ParseJWKS(doc)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
		}
		return set, nil
	}
}

// sameKeys reports whether two records of a cluster have the same keys in the same place.
func sameKeys(a, b *store.Cluster) bool {
	return a.Account == b.Account && a.Keys == b.Keys && a.Issuer == b.Issuer && a.JWKS == b.JWKS && a.Kubeconfig == b.Kubeconfig &&
		slices.EqualFunc(a.SigningKeys, b.SigningKeys, func(x, y store.SigningKey) bool { return x.ID == y.ID && x.PEM == y.PEM })
}
