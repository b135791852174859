package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Members of the write barrier that are not replicas.
//
// A webhook has no connection to etcd. The server that answers its requests keeps a key under members/CLUSTER/ID on its behalf, with a lease of its own,
// also on the embedded etcd: a webhook is another process and can be cut off. A write of associations of its cluster, and nothing else, waits for
// it as for a replica (see replica.go): until it says that it has applied them or its lease has ended.
//
// Nothing is missed, whichever servers it asks:
//
//   - It is registered, at revision C, before it is given a snapshot, and only by a server that has applied C. A write W behind C finds it in its writer's
//     table, because the writer's watch is ordered; one before C is in the snapshot.
//   - What it says it has applied is R of the last answer it got. A server that has not applied R does not answer it: it never goes back behind a write
//     that was acknowledged on its word. One that begins anew under its old id says 0, and that is put before it gets a snapshot, too.
//   - It counts its lease from the moment it SENT the last request that was answered, less the margin that RenewMember takes off, and etcd counts it from
//     the request's arrival: when the key is gone, the member has known for a while that it is stale.
//
// Members of different clusters have nothing to do with each other. Whoever may follow a cluster's associations cannot hold up anything else than changes of them.
type member struct {
	peer
	lease clientv3.LeaseID
}

// maxMembers bounds the webhooks of a cluster: each is a lease at etcd.
const maxMembers = 64

// ErrTooManyMembers says that a cluster has as many as it can have.
var ErrTooManyMembers = fmt.Errorf("%d watchers of this cluster take part in the write barrier already", maxMembers)

func memberKey(cluster, id string) string {
	return Prefix + memberTable + "/" + cluster + "/" + id
}

func memberOf(kv *mvccpb.KeyValue) member {
	return member{peer: peerOf(kv), lease: clientv3.LeaseID(kv.Lease)}
}

// putMember and dropMember keep the table of members; s.mu is held.
func (s *Store) putMember(key string, m member) {
	cluster, id, _ := strings.Cut(key, "/")
	if s.members[cluster] == nil {
		s.members[cluster] = make(map[string]member)
	}
	s.members[cluster][id] = m
}

func (s *Store) dropMember(key string) {
	cluster, id, _ := strings.Cut(key, "/")
	if delete(s.members[cluster], id); len(s.members[cluster]) == 0 {
		delete(s.members, cluster)
	}
}

// RenewMember is done with each request of a member, before anything else: it is alive and has applied a revision, 0 if it begins. It returns for how
// long the member may go by what it is then answered, counted from the moment it sent the request. ErrUnavailable and ErrTooManyMembers mean that
// it is no member by this request.
func (s *Store) RenewMember(ctx context.Context, cluster, id string, applied int64) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	s.mu.RLock()
	known, ok := s.members[cluster][id]
	others := len(s.members[cluster])
	s.mu.RUnlock()
	if ok {
		granted, err := s.renewMember(ctx, cluster, id, known, applied)
		if err == nil || !errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return granted, err
		}
	} else if others >= maxMembers {
		return 0, ErrTooManyMembers
	}
	lease, err := s.client.Grant(ctx, int64(s.memberLease/time.Second))
	if err != nil {
		return 0, unavailable("lease of a member", err)
	}
	// What it has applied is not believed until it has been answered: it may be a revision of another store.
	return s.reportMember(ctx, cluster, id, 0, lease.ID, lease.TTL)
}

func (s *Store) renewMember(ctx context.Context, cluster, id string, known member, applied int64) (time.Duration, error) {
	reached, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	// Not even renewed otherwise: if that revision never comes, because the store was put back to an old backup, the member begins anew when its lease is over.
	if err := s.wait(reached, "a member is ahead of this replica", func() bool { return s.applied >= applied }); err != nil {
		return 0, err
	}
	alive, err := s.client.KeepAliveOnce(ctx, known.lease)
	if err != nil {
		return 0, memberError("renew a member", err)
	}
	if applied == known.applied {
		return span(alive.TTL), nil
	}
	return s.reportMember(ctx, cluster, id, applied, known.lease, alive.TTL)
}

// reportMember puts what a member has applied, and returns when this replica has seen that.
func (s *Store) reportMember(ctx context.Context, cluster, id string, applied int64, lease clientv3.LeaseID, ttl int64) (time.Duration, error) {
	put, err := s.client.Put(ctx, memberKey(cluster, id), strconv.FormatInt(applied, 10), clientv3.WithLease(lease))
	if err != nil {
		return 0, memberError("register a member", err)
	}
	return span(ttl), s.wait(ctx, "register a member", func() bool { return s.applied >= put.Header.Revision })
}

// memberError leaves alone what says that the lease is over.
func memberError(doing string, err error) error {
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return err
	}
	return unavailable(doing, err)
}

// span is what a holder may count on of a lease of so many seconds.
func span(ttl int64) time.Duration {
	granted := time.Duration(ttl) * time.Second
	return granted - granted/5
}

// AssociationEffect says who has applied the last change of an association. Pending names those that have not: server/ID or webhook/ID.
type AssociationEffect struct {
	Found             bool // false: it is deleted, or was never there
	Servers, Webhooks int  // that are live
	Pending           []string
}

// AssociationEffect looks the association up by its id. One that is deleted is pending on whoever may still have it.
func (s *Store) AssociationEffect(cluster, id string) AssociationEffect {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := AssociationEffect{Servers: len(s.replicas), Webhooks: len(s.members[cluster])}
	revision := s.journal.deletion(cluster, id)
	for _, e := range s.Associations.find(ByID, id) {
		if e.value.Cluster == cluster {
			out.Found, revision = true, e.mod
		}
	}
	for _, replica := range slices.Sorted(maps.Keys(s.replicas)) {
		if replica != s.self.id && s.replicas[replica].behind(revision) {
			out.Pending = append(out.Pending, "server/"+replica)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.members[cluster])) {
		if s.members[cluster][name].behind(revision) {
			out.Pending = append(out.Pending, "webhook/"+name)
		}
	}
	return out
}
