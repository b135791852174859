package control

import (
	"context"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
)

// OwnCluster is the Kubernetes cluster that the server itself runs in.
type OwnCluster struct {
	Name        string
	Issuer      string // of its tokens, as its API server says
	TokenReview bool
}

// RegisterOwn registers the cluster as RegisterCluster does, with its OIDC provider and two roles, in the management account. Doing so again
// changes nothing, unless the issuer or the flag changed: this one cluster may get another issuer, for its name stands for the place where podpass
// runs. Roles that trust the provider of the issuer before it don't trust the new one, and that provider stays. What was set beside (tags) stays too.
//
// A cluster of the name that somebody registered in another way is not touched.
func RegisterOwn(ctx context.Context, env iam.Env, k *keys.Keys, own OwnCluster) (change api.Change, after *store.Cluster, err error) {
	if !identity.ValidClusterName(own.Name) {
		return "", nil, invalid("%q is no cluster's name: those have 1–100 letters, digits, - and _, and begin with a letter or digit.", own.Name)
	}
	issuer, err := identity.ParseIssuer(own.Issuer, identity.IssuerRules{Port: true, HTTP: true})
	if err != nil {
		return "", nil, invalid("%v.", err)
	}
	meta, ok := env.Store.Meta.Get(store.MetaKey)
	if !ok {
		return "", nil, invalid("The store has not been set up.")
	}
	want := store.Cluster{
		Name: own.Name, Account: meta.Management, Partition: meta.Partition, Region: meta.Region, Issuer: issuer, Keys: store.KeysInCluster,
		TokenReview: own.TokenReview,
	}
	if err := k.Check(ctx, &want); err != nil {
		return "", nil, invalid("Cluster %s cannot be registered so: %v.", own.Name, err).Because(err)
	}
	err = env.Store.Transact(ctx, func(tx *store.Tx) error {
		want := want // the transaction may run again
		if there, ok := store.Read(tx, env.Store.Clusters, own.Name); ok {
			if there.Keys != store.KeysInCluster {
				return conflict("Cluster %s is registered already, with issuer %s and keys from %q, and is not taken over. Choose another name for the "+
					"cluster the server runs in (--register-cluster), or deregister that one: podpass cluster deregister %[1]s", own.Name, there.Issuer, there.Keys)
			}
			want.AllowNoPod, want.Tags = there.AllowNoPod, there.Tags
		}
		before, now, err := putCluster(tx, env, want, nil)
		if err != nil {
			return err
		}
		after, change = now, changeOf(before == nil, sameCluster(before, now))
		return nil
	})
	return change, after, err
}
