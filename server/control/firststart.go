package control

import (
	"context"
	"fmt"
	"net/url"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/oidc"
	"github.com/podpass/podpass/store"
)

// First is what an empty store is set up with.
type First struct {
	Account    identity.Account // the management account
	Region     string
	IssuerBase string // URL below which hosted clusters have their issuers; fixed from then on
	Cluster    string // name of a hosted cluster; "" none
}

// Installed says what a store was set up with.
type Installed struct {
	Management    identity.Account
	Region        string
	IssuerBase    string
	Cluster       *store.Cluster // First.Cluster
	Administrator *api.AccessKey // the first administrator's; nil unless this call made it
}

// FirstStart sets an empty store up in one transaction: the management account, its administrator and a hosted cluster. In a store that is
// set up already it only adds the hosted cluster if that is missing: account, region and issuer base stay what they were. Of several
// replicas that start on one empty store, one gets the administrator's key.
func FirstStart(ctx context.Context, env iam.Env, first First) (*Installed, error) {
	if _, err := identity.ParseAccount(string(first.Account)); err != nil {
		return nil, err
	}
	if !identity.ValidRegion(first.Region) {
		return nil, fmt.Errorf("region %q is not a region name such as us-west-2", first.Region)
	}
	if u, err := url.Parse(first.IssuerBase); err != nil || u.Host == "" {
		return nil, fmt.Errorf("issuer base %q is not a URL", first.IssuerBase)
	}
	partition := identity.PartitionOf(first.Region).ID
	var key *store.SigningKey // made ahead: a transaction may run more than once
	if _, there := env.Store.Clusters.Get(first.Cluster); first.Cluster != "" && !there {
		made, err := oidc.NewKey(env.Random, env.Now())
		if err != nil {
			return nil, err
		}
		key = &made
	}
	var done *Installed
	err := env.Store.Transact(ctx, func(tx *store.Tx) error {
		done = &Installed{}
		meta, ok := store.Read(tx, env.Store.Meta, store.MetaKey)
		if !ok {
			meta = &store.Meta{
				Management: first.Account, Partition: partition, Region: first.Region, IssuerBase: first.IssuerBase, Created: env.Now(),
			}
			store.Write(tx, env.Store.Meta, store.MetaKey, meta)
			var err error
			if done.Administrator, err = putAccount(tx, env, store.Account{ID: first.Account, Name: "management"}, partition); err != nil {
				return err
			}
		}
		done.Management, done.Region, done.IssuerBase = meta.Management, meta.Region, meta.IssuerBase
		if first.Cluster == "" {
			return nil
		}
		if there, ok := store.Read(tx, env.Store.Clusters, first.Cluster); ok {
			done.Cluster = there
			return nil
		}
		want := store.Cluster{
			Name: first.Cluster, Account: meta.Management, Partition: meta.Partition, Region: meta.Region, Keys: store.KeysHosted,
		}
		issuer, err := hostedIssuer(meta, first.Cluster)
		if err != nil {
			return err
		}
		want.Issuer = issuer
		_, done.Cluster, err = putCluster(tx, env, want, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// hostedIssuer is the issuer of a hosted cluster.
func hostedIssuer(meta *store.Meta, cluster string) (identity.Issuer, error) {
	if meta.IssuerBase == "" {
		return identity.Issuer{}, invalid("This installation hosts no clusters: it was set up without an issuer base.")
	}
	issuer, err := identity.ParseIssuer(oidc.Issuer(meta.IssuerBase, cluster), identity.IssuerRules{Port: true, HTTP: true})
	if err != nil {
		return identity.Issuer{}, invalid("A cluster of this name cannot be hosted: %v.", err)
	}
	return issuer, nil
}
