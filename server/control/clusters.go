package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/oidc"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

func (s *service) clusterActions() []restjson.Action {
	return []restjson.Action{
		restjson.NewAction("RegisterCluster", http.MethodPut, route("clusters/{cluster}"), s.registerCluster),
		restjson.NewAction("ListClusters", http.MethodGet, route("clusters"), s.listClusters),
		restjson.NewAction("DescribeCluster", http.MethodGet, route("clusters/{cluster}"), s.describeCluster),
		restjson.NewAction("DeregisterCluster", http.MethodDelete, route("clusters/{cluster}"), s.deregisterCluster),
		restjson.NewAction("RotateClusterKey", http.MethodPost, route("clusters/{cluster}/rotate"), s.rotateClusterKey),
	}
}

// onCluster is the input of the actions on one cluster.
type onCluster struct {
	Cluster string `label:"cluster" json:"-"`
}

type registerCluster struct {
	onCluster
	api.RegisterClusterRequest
}

func (s *service) registerCluster(ctx context.Context, c *restjson.Call, in *registerCluster) (*api.RegisterClusterResult, error) {
	c.Event.Cluster = in.Cluster
	d := api.Document{
		APIVersion: api.Version, Kind: api.KindCluster, Metadata: api.Metadata{Name: in.Cluster, Tags: in.Tags}, Spec: &in.ClusterSpec,
	}
	if err := d.Check(); err != nil {
		return nil, invalid("%v", err)
	}
	want, key, err := s.planCluster(ctx, c, "RegisterCluster", in.Cluster, &in.ClusterSpec, in.Tags)
	if err != nil {
		return nil, err
	}
	out := new(api.RegisterClusterResult)
	err = s.store.Transact(ctx, func(tx *store.Tx) error {
		before, after, err := putCluster(tx, s.Env, want, key)
		if err != nil {
			return err
		}
		out.Cluster, out.Action = showCluster(after), changeOf(before == nil, sameCluster(before, after))
		return nil
	})
	return out, err
}

func (s *service) listClusters(_ context.Context, c *restjson.Call, _ *empty) (*api.ListClustersResult, error) {
	if err := s.authorise(c, "ListClusters", s.resource(c, "", c.Caller.Account, "cluster/*")); err != nil {
		return nil, err
	}
	out := &api.ListClustersResult{Clusters: []api.Cluster{}}
	for _, found := range s.store.Clusters.List("", "") {
		if s.reaches(c, found.Account) {
			out.Clusters = append(out.Clusters, showCluster(found))
		}
	}
	return out, nil
}

func (s *service) describeCluster(_ context.Context, c *restjson.Call, in *onCluster) (*api.Cluster, error) {
	found, err := s.cluster(c, "DescribeCluster", in.Cluster)
	if err != nil {
		return nil, err
	}
	out := showCluster(found)
	return &out, nil
}

// sweep is how many service accounts or associations one transaction deletes, well below etcd's limit.
const sweep = 32

// deregisterCluster deletes what hangs on the cluster first, so that a later cluster of the same name inherits nothing even if this is
// interrupted, and once more afterwards, for what was applied meanwhile.
func (s *service) deregisterCluster(ctx context.Context, c *restjson.Call, in *onCluster) (*api.Cluster, error) {
	found, err := s.cluster(c, "DeregisterCluster", in.Cluster)
	if err != nil {
		return nil, err
	}
	if err := s.sweep(ctx, found.Name); err != nil {
		return nil, err
	}
	err = s.store.Transact(ctx, func(tx *store.Tx) error {
		now, ok := store.Read(tx, s.store.Clusters, in.Cluster)
		if !ok || now.Account != found.Account {
			return noCluster(in.Cluster)
		}
		store.Write(tx, s.store.Clusters, now.Name, nil)
		store.Write(tx, s.store.Providers, store.ProviderKey(now.Issuer.ProviderARN(now.Partition, now.Account).String()), nil)
		for _, part := range parts() {
			store.Write(tx, s.store.Roles, store.RoleKey(string(now.Account), part.roleName(now.Name)), nil)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := showCluster(found)
	return &out, s.sweep(ctx, found.Name)
}

// sweep deletes a cluster's service accounts and associations.
func (s *service) sweep(ctx context.Context, cluster string) error {
	return errors.Join(
		deleteAll(ctx, s.store, s.store.ServiceAccounts, cluster+"/"),
		deleteAll(ctx, s.store, s.store.Associations, cluster+"/"),
	)
}

func deleteAll[T any](ctx context.Context, st *store.Store, table *store.Table[T], prefix string) error {
	var keys []string
	for key := range table.List(prefix, "") {
		keys = append(keys, key)
	}
	for batch := range slices.Chunk(keys, sweep) {
		err := st.Transact(ctx, func(tx *store.Tx) error {
			for _, key := range batch {
				store.Write(tx, table, key, nil)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *service) rotateClusterKey(ctx context.Context, c *restjson.Call, in *onCluster) (*api.RotateClusterKeyResult, error) {
	found, err := s.cluster(c, "RotateClusterKey", in.Cluster)
	if err != nil {
		return nil, err
	}
	if found.Keys != store.KeysHosted {
		return nil, invalid("Podpass does not host the issuer of cluster %s: its API server rotates its own keys.", found.Name)
	}
	after, err := oidc.Rotate(ctx, s.store, found.Name, s.Env.Now(), s.Env.Random)
	if err != nil {
		return nil, err
	}
	out := new(api.RotateClusterKeyResult)
	if signer := oidc.Signer(after); signer != nil {
		out.KeyID, out.Current, out.Signs = signer.ID, signer.ID, signer.Created
	}
	if pending := oidc.Pending(after); pending != nil {
		out.KeyID, out.Signs = pending.ID, s.Schedule.Signs(pending)
	}
	return out, nil
}

func showCluster(c *store.Cluster) api.Cluster {
	out := api.Cluster{
		Name: c.Name, ARN: c.ARN().String(), Account: string(c.Account), Region: c.Region, Issuer: c.Issuer.String(), KeySource: string(c.Keys),
		AllowNoPod: c.AllowNoPod, TokenReview: c.TokenReview, Tags: tagMap(c.Tags), Created: c.Created,
		Provider:    c.Issuer.ProviderARN(c.Partition, c.Account).String(),
		AgentRole:   agent().roleARN(c).String(),
		WebhookRole: webhook().roleARN(c).String(),
	}
	for _, k := range c.SigningKeys {
		out.KeyIDs = append(out.KeyIDs, k.ID)
	}
	if c.Keys == store.KeysPinned {
		var set struct{ Keys []struct{ Kid string } }
		if json.Unmarshal([]byte(c.JWKS), &set) == nil { // it was read strictly when the cluster was registered
			for _, k := range set.Keys {
				out.KeyIDs = append(out.KeyIDs, k.Kid)
			}
		}
	}
	return out
}

// tagMap is a list of tags as documents have them.
func tagMap(tags identity.Tags) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}
