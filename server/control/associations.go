package control

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

func (s *service) associationActions() []restjson.Action {
	return []restjson.Action{
		restjson.NewAction("WatchAssociations", http.MethodPost, route("clusters/{cluster}/associations/watch"), s.watchAssociations),
		restjson.NewAction("GetAssociationInEffect", http.MethodGet, route("clusters/{cluster}/associations/{id}/effect"), s.associationInEffect),
		restjson.NewAction("GetClusterKeys", http.MethodGet, route("clusters/{cluster}/keys"), s.clusterKeys),
		restjson.NewAction("ListExchanges", http.MethodGet, route(onServiceAccountPath+"/exchanges"), s.listExchanges),
	}
}

// maxWait is below every time-out between a client and here, the client's own 30 s among them.
const maxWait = 20 // seconds

type watchAssociations struct {
	Name string `label:"cluster" json:"-"`
	api.WatchAssociationsRequest
}

// watchAssociations answers when something has happened, or after the wait. A watcher that takes part in the write barrier is believed alive from
// here on, and what it says it has applied counts at once: writers may be waiting for it.
func (s *service) watchAssociations(ctx context.Context, c *restjson.Call, in *watchAssociations) (*api.WatchAssociationsResult, error) {
	cluster, err := s.cluster(c, "WatchAssociations", in.Name)
	if err != nil {
		return nil, err
	}
	switch {
	case in.WaitSeconds < 0 || in.WaitSeconds > maxWait:
		return nil, invalid("waitSeconds is 0 to %d, not %d.", maxWait, in.WaitSeconds)
	case in.Revision < 0:
		return nil, invalid("revision is 0, or that of the last answer.")
	case in.Member != "" && !plainName(in.Member):
		return nil, invalid("A member's id has 1 to 64 of the characters A-Z, a-z, 0-9, '.', '_' and '-'.")
	}
	wait := time.Duration(in.WaitSeconds) * time.Second
	var lease time.Duration
	if in.Member != "" {
		if lease, err = s.renew(ctx, c, cluster, &in.WatchAssociationsRequest); err != nil {
			return nil, err
		}
		// What it was answered last is good until a lease after it asked for that, which was one such wait and one way here and back ago: two waits and
		// two ways have to fit into a lease, or it is stale for a moment before each answer.
		wait = min(wait, lease/3)
	}
	update, err := s.follow(ctx, cluster.Name, in.Revision, wait)
	if err == nil && update.Reset && in.Snapshot {
		update, err = s.store.AssociationSnapshot(ctx, cluster.Name)
	}
	if err != nil {
		return nil, err
	}
	c.Event.Routine = in.Revision > 0 && !update.Reset
	out := &api.WatchAssociationsResult{
		Revision: update.Revision, Reset: update.Reset, LeaseSeconds: lease.Seconds(), Changes: make([]api.AssociationChange, len(update.Changes)),
	}
	for i, change := range update.Changes {
		out.Changes[i] = api.AssociationChange{
			Namespace: change.Namespace, ServiceAccount: change.ServiceAccount, ID: change.ID, Deleted: change.Deleted,
		}
	}
	return out, nil
}

// renew keeps a member of the write barrier a member. It is a power of its own: a member that doesn't follow holds up changes of its cluster.
func (s *service) renew(ctx context.Context, c *restjson.Call, cluster *store.Cluster, in *api.WatchAssociationsRequest) (time.Duration, error) {
	if err := s.authorise(c, "JoinWriteBarrier", cluster.ARN().String()); err != nil {
		return 0, err
	}
	lease, err := s.store.RenewMember(ctx, cluster.Name, in.Member, in.Revision)
	if errors.Is(err, store.ErrTooManyMembers) {
		return 0, conflict("%v. Their leases end seconds after they stop.", err)
	}
	return lease, err
}

// follow waits until something happens, the client leaves or the server ends, none of which is an error.
func (s *service) follow(ctx context.Context, cluster string, after int64, wait time.Duration) (store.AssociationUpdate, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.Ending, cancel)()
	return s.store.AssociationChanges(ctx, cluster, after)
}

// plainName is what ids are made of here.
func plainName(id string) bool {
	return len(id) >= 1 && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	})
}

type onAssociation struct {
	onCluster
	ID string `label:"id" json:"-"`
}

// associationInEffect answers for a deleted association too, as long as somebody may still have it; then it is not found.
func (s *service) associationInEffect(_ context.Context, c *restjson.Call, in *onAssociation) (*api.AssociationInEffect, error) {
	c.Event.Cluster = in.Cluster
	if !plainName(in.ID) {
		return nil, invalid("An association's id is a- and 17 lower-case letters and digits.")
	}
	cluster, ok := s.store.Clusters.Get(in.Cluster)
	if !ok || !s.reaches(c, cluster.Account) {
		return nil, noCluster(in.Cluster)
	}
	if err := s.authorise(c, "GetAssociationInEffect", (&store.Association{ID: in.ID}).ARN(cluster).String()); err != nil {
		return nil, err
	}
	effect := s.store.AssociationEffect(cluster.Name, in.ID)
	if !effect.Found && len(effect.Pending) == 0 {
		return nil, notFound("Cluster %s has no association %s. List them with: podpass association list --cluster %s", cluster.Name, in.ID, cluster.Name)
	}
	return &api.AssociationInEffect{
		InEffect: effect.Found && len(effect.Pending) == 0, Servers: effect.Servers, Webhooks: effect.Webhooks, Pending: effect.Pending,
	}, nil
}
