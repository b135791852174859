package control

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/oidc"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

// planCluster authorises a registration and turns it into the record it asks for, with its keys tried. What takes long (a fetch, a new key) happens
// here, before the transaction. key is for a hosted cluster that has none yet.
func (s *service) planCluster(
	ctx context.Context, c *restjson.Call, action, name string, spec *api.ClusterSpec, tags map[string]string,
) (want store.Cluster, key *store.SigningKey, err error) {
	meta, ok := s.store.Meta.Get(store.MetaKey)
	if !ok {
		return want, nil, awserr.ServiceUnavailable(errors.New("the store has not been set up"))
	}
	want = store.Cluster{
		Name: name, Account: c.Caller.Account, Region: spec.Region, AllowNoPod: spec.AllowNoPod, TokenReview: spec.TokenReview, Tags: tagList(tags),
		JWKS: spec.Keys.JWKS, Kubeconfig: spec.Keys.Kubeconfig, Keys: keySource(spec.Keys),
	}
	there, registered := s.store.Clusters.Get(name)
	if registered && spec.Region == "" {
		want.Region = there.Region
	}
	if want.Region == "" {
		want.Region = meta.Region
	}
	if spec.Account != "" {
		want.Account = identity.Account(spec.Account)
	} else if registered && s.store.Manages(c.Caller.Account) {
		want.Account = there.Account
	}
	want.Partition = identity.PartitionOf(want.Region).ID
	if err := s.authorise(c, action, want.ARN().String()); err != nil {
		return want, nil, err
	}
	if !s.reaches(c, want.Account) {
		return want, nil, awserr.AccessDenied("User: " + c.Caller.ARN.String() + " is not authorized to register clusters of another account.")
	}
	if want.Kubeconfig != "" && !s.store.Manages(c.Caller.Account) { // its server may stand in this server's private network
		return want, nil, awserr.AccessDenied("User: " + c.Caller.ARN.String() + " is not authorized to register a cluster with a kubeconfig because only the " +
			"management account may. Register it with --jwks or --discovery, or ask the management account to.")
	}
	if registered && !s.reaches(c, there.Account) {
		return want, nil, conflict("The cluster name %s is taken: names are unique per installation. Choose another one.", name)
	}
	if found, ok := s.store.Accounts.Get(string(want.Account)); !ok {
		return want, nil, invalid("There is no account %s. Create it with: podpass account create", want.Account)
	} else if found.Upstream != nil {
		return want, nil, invalid("Account %s is an upstream account: its roles live elsewhere, and no cluster can belong to it. Register the cluster in "+
			"a hosted account and let it use roles of %[1]s: podpass account update %[1]s --for ACCOUNT", want.Account)
	}
	if want.Issuer, err = issuerOf(meta, name, spec); err != nil {
		return want, nil, err
	}
	if want.Keys == store.KeysHosted {
		if registered && there.Keys == store.KeysHosted {
			return want, nil, nil // keeps its keys
		}
		made, err := oidc.NewKey(s.Env.Random, s.Env.Now())
		return want, &made, err
	}
	if err := s.Config.Keys.Check(ctx, &want); err != nil {
		return want, nil, invalid("Cluster %s cannot be registered so: %v.%s", name, err, keyAdvice(want.Keys)).Because(err)
	}
	return want, nil, nil
}

// issuerOf reads the issuer. Through this API ports and plain http are admitted, which IAM refuses: whoever registers a cluster says where its
// keys come from, and the issuer is only compared.
func issuerOf(meta *store.Meta, cluster string, spec *api.ClusterSpec) (identity.Issuer, error) {
	if spec.Keys.Hosted {
		issuer, err := hostedIssuer(meta, cluster)
		if err == nil && spec.Issuer != "" && spec.Issuer != issuer.String() {
			return issuer, invalid("The issuer of hosted cluster %s is %s, not %s: leave it out.", cluster, issuer, spec.Issuer)
		}
		return issuer, err
	}
	issuer, err := identity.ParseIssuer(spec.Issuer, identity.IssuerRules{Port: true, HTTP: true})
	if err != nil {
		return issuer, invalid("%v.", err)
	}
	return issuer, nil
}

func keySource(k api.ClusterKeys) store.KeySource {
	switch {
	case k.Hosted:
		return store.KeysHosted
	case k.JWKS != "":
		return store.KeysPinned
	case k.Discovery:
		return store.KeysDiscovery
	case k.Kubeconfig != "":
		return store.KeysAPIServer
	}
	return ""
}

// keyAdvice is what else can be done. A kubeconfig's errors say it themselves.
func keyAdvice(source store.KeySource) string {
	switch source {
	case store.KeysDiscovery:
		return " If the issuer cannot be reached from here, give its keys: kubectl get --raw /openid/v1/jwks > jwks.json, then --jwks-file jwks.json."
	case store.KeysPinned:
		return " Get the keys with: kubectl get --raw /openid/v1/jwks"
	}
	return ""
}

// audience is the one the OIDC provider of a registered cluster admits, and so what its agent and webhook ask their tokens for.
const audience = "sts.amazonaws.com"

// putCluster makes the cluster, its OIDC provider and its two roles what they should be. before is nil if the cluster is new. A hosted
// cluster keeps the keys it has; key is the first one of a new one.
func putCluster(tx *store.Tx, env iam.Env, want store.Cluster, key *store.SigningKey) (before, after *store.Cluster, err error) {
	before, found := store.Read(tx, env.Store.Clusters, want.Name)
	if found {
		if err := unmoved(before, &want); err != nil {
			return nil, nil, err
		}
		want.Created, want.SigningKeys = before.Created, before.SigningKeys
	} else {
		before, want.Created = nil, env.Now().UTC()
	}
	for _, other := range store.ReadBy(tx, env.Store.Clusters, store.ByIssuer, want.Issuer.String()) {
		if other.Name != want.Name {
			return nil, nil, conflict("Issuer %s is that of another cluster: every cluster needs its own (kube-apiserver --service-account-issuer).",
				want.Issuer)
		}
	}
	if want.Keys != store.KeysHosted {
		want.SigningKeys = nil
	} else if len(want.SigningKeys) == 0 {
		if key == nil {
			return nil, nil, conflict("Cluster %s was changed meanwhile. Try again.", want.Name)
		}
		oidc.Publish(&want, *key)
	}
	if !found || !sameCluster(before, &want) {
		store.Write(tx, env.Store.Clusters, want.Name, &want)
	}
	if err := putProviderOf(tx, env, &want); err != nil {
		return nil, nil, err
	}
	for _, part := range parts() {
		if _, _, err := env.PutRole(tx, part.role(&want)); err != nil {
			return nil, nil, err
		}
	}
	return before, &want, nil
}

// unmoved refuses to turn a cluster into another one. A service account of one issuer must not become one of another behind the back of
// the policies that trust it.
func unmoved(before, want *store.Cluster) error {
	for _, part := range []struct{ what, was, is string }{
		{"issuer", before.Issuer.String(), want.Issuer.String()},
		{"account", string(before.Account), string(want.Account)},
		{"region", before.Region, want.Region},
	} {
		if part.what == "issuer" && before.Keys == store.KeysInCluster && want.Keys == store.KeysInCluster {
			continue // the cluster that podpass runs in, whatever its API server calls itself: see RegisterOwn
		}
		if part.was != part.is {
			return conflict("Cluster %s is registered with %s %s, not %s. Deregister it first: podpass cluster deregister %[1]s",
				want.Name, part.what, part.was, part.is)
		}
	}
	return nil
}

// putProviderOf sees to it that the cluster's issuer is an OIDC provider of its account that admits the audience. What somebody added to
// the provider through IAM stays.
func putProviderOf(tx *store.Tx, env iam.Env, c *store.Cluster) error {
	spec := iam.ProviderSpec{Account: c.Account, Partition: c.Partition, Issuer: c.Issuer, ClientIDs: []string{audience}}
	there, ok := store.Read(tx, env.Store.Providers, store.ProviderKey(c.Issuer.ProviderARN(c.Partition, c.Account).String()))
	if ok {
		if there.Issuer != c.Issuer {
			return conflict("Account %s has the OIDC provider %s for issuer %s, which differs from %s in its scheme only. Delete that one first.",
				c.Account, there.ARN(), there.Issuer, c.Issuer)
		}
		spec.ClientIDs, spec.Thumbprints, spec.Tags = there.ClientIDs, there.Thumbprints, there.Tags
		if !slices.Contains(there.ClientIDs, audience) {
			spec.ClientIDs = append(slices.Clone(there.ClientIDs), audience)
		}
	}
	_, _, err := env.PutProvider(tx, spec)
	return err
}

// sameCluster compares records, what only the server sets (keys, creation) included.
func sameCluster(a, b *store.Cluster) bool {
	if a == nil || b == nil {
		return false
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// tagList is a document's tags in a fixed order, so that the same tags are equal.
func tagList(tags map[string]string) identity.Tags {
	var list identity.Tags
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, identity.Tag{Key: k, Value: tags[k]})
	}
	return list
}

func changeOf(created, same bool) api.Change {
	switch {
	case created:
		return api.Created
	case same:
		return api.Unchanged
	}
	return api.Updated
}
