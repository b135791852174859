package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// The write barrier.
//
// Every replica holds a key under replicas/ whose value is the revision it has applied, attached to a lease it keeps alive. A write made at revision W is
// acknowledged when the writer's own index has applied W and every replica it knows that registered before W says it has applied W or is gone.
//
// Nothing is missed: a replica registers BEFORE it loads. One that registered before W is in the writer's table once the writer, whose single watch
// is ordered, has applied W. One that registered after W loads at a revision behind W. One whose key is gone has let its lease end, and stopped answering (Check)
// before that: it counts its lease from the moment it SENT the last renewal that succeeded, less a margin.
//
// A replica publishes only while there are others, and several writes at once. In an embedded store every replica is a part of this process, which
// cannot be cut off from itself, so that there are no leases: a key stands until its replica is closed, or until the next start of the process clears them.
// Webhooks, which are other processes always, take part through a server: see members.go.
type replica struct {
	store *Store
	id    string
	asked time.Duration // lease; 0: none
	kick  chan struct{} // publish

	lease atomic.Int64              // etcd's id of it
	until atomic.Pointer[time.Time] // when the indexes may no longer be answered from; nil: not yet

	mu         sync.Mutex
	granted    time.Duration // by etcd, which has a least lease of its own
	sent       time.Time     // when the last successful renewal was sent
	registered int64         // revision of the registration
}

// barrierTimeout bounds the wait for replicas that are alive and do not follow, for callers that bring no deadline.
const barrierTimeout = 15 * time.Second

func newReplica(s *Store, ttl time.Duration) (*replica, error) {
	var id [8]byte
	if _, err := io.ReadFull(s.random, id[:]); err != nil {
		return nil, fmt.Errorf("replica id: %w", err)
	}
	if ttl != 0 && ttl < time.Second {
		return nil, fmt.Errorf("a lease of %v: etcd's take at least a second", ttl)
	}
	return &replica{store: s, id: hex.EncodeToString(id[:]), asked: ttl, kick: make(chan struct{}, 1)}, nil
}

// barrier returns when every live replica has applied a revision, and the live members of clusters, by name, those of their associations.
func (s *Store) barrier(ctx context.Context, revision int64, associations map[string]int64) error {
	ctx, cancel := context.WithTimeout(ctx, barrierTimeout)
	defer cancel()
	return s.wait(ctx, "written, but not yet seen by every replica", func() bool {
		if s.applied < revision {
			return false
		}
		for id, p := range s.replicas {
			if id != s.self.id && p.behind(revision) {
				return false
			}
		}
		for cluster, revision := range associations {
			for _, m := range s.members[cluster] {
				if m.behind(revision) {
					return false
				}
			}
		}
		return true
	})
}

func (r *replica) key() string { return Prefix + replicaTable + "/" + r.id }

// register announces the replica. Until its index has applied the registration it must not answer: writes were acknowledged without it.
func (r *replica) register(ctx context.Context) error {
	sent := time.Now() // the system's clock and no other: etcd counts leases in real time
	var granted time.Duration
	var options []clientv3.OpOption
	if r.asked != 0 {
		lease, err := r.store.client.Grant(ctx, int64(r.asked/time.Second))
		if err != nil {
			return unavailable("lease", err)
		}
		granted = time.Duration(lease.TTL) * time.Second
		r.lease.Store(int64(lease.ID))
		options = append(options, clientv3.WithLease(lease.ID))
	}
	put, err := r.store.client.Put(ctx, r.key(), "0", options...)
	if err != nil {
		return unavailable("register", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.granted, r.sent, r.registered = granted, sent, put.Header.Revision
	return nil
}

// renew keeps the lease alive until the store is closed; a lost one is replaced.
func (r *replica) renew() {
	tick := time.NewTicker(r.asked / 6)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-r.store.ctx.Done():
			return
		}
		if err := r.renewOnce(); err != nil && r.store.ctx.Err() == nil {
			r.store.log.Warn("the store's lease was not renewed", "error", err)
		}
	}
}

func (r *replica) renewOnce() error {
	ctx, cancel := context.WithTimeout(r.store.ctx, r.asked/3)
	defer cancel()
	sent := time.Now()
	_, err := r.store.client.KeepAliveOnce(ctx, clientv3.LeaseID(r.lease.Load()))
	switch {
	case errors.Is(err, rpctypes.ErrLeaseNotFound):
		r.store.log.Warn("the store's lease was lost: registering again")
		err = r.register(ctx)
	case err == nil:
		r.mu.Lock()
		r.sent = sent
		r.mu.Unlock()
	}
	if err == nil {
		r.extend()
	}
	return err
}

// extend lets the indexes be answered from for as long as the lease surely stands.
func (r *replica) extend() {
	r.store.mu.RLock()
	applied := r.store.applied
	r.store.mu.RUnlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if applied < r.registered {
		return
	}
	until := r.sent.Add(r.granted - r.granted/5)
	r.until.Store(&until)
}

// live reports whether the lease surely stands. The monotonic clock does not count what a machine sleeps, the wall clock can be set back: both must
// agree.
func (r *replica) live() bool {
	if r.asked == 0 {
		return true
	}
	until, now := r.until.Load(), time.Now()
	return until != nil && now.Before(*until) && now.Round(0).Before(until.Round(0))
}

// publishSoon has the applied revision published, once for all the calls since the last publication began.
func (r *replica) publishSoon() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// publish tells the other replicas what this one has applied.
func (r *replica) publish() {
	for {
		select {
		case <-r.kick:
		case <-r.store.ctx.Done():
			return
		}
		if err := r.publishOnce(); err != nil && r.store.ctx.Err() == nil {
			r.store.log.Warn("the applied revision was not published", "error", err)
			select {
			case <-time.After(retry):
				r.publishSoon()
			case <-r.store.ctx.Done():
			}
		}
	}
}

func (r *replica) publishOnce() error {
	ctx, cancel := context.WithTimeout(r.store.ctx, commitTimeout)
	defer cancel()
	r.store.mu.RLock()
	// Not what was applied since, which can only be publications: they would be answered with publications without end.
	applied, alone := r.store.written, len(r.store.replicas) < 2
	r.store.mu.RUnlock()
	if alone {
		return nil
	}
	var options []clientv3.OpOption
	if lease := r.lease.Load(); lease != 0 {
		options = append(options, clientv3.WithLease(clientv3.LeaseID(lease)))
	}
	_, err := r.store.client.Put(ctx, r.key(), strconv.FormatInt(applied, 10), options...)
	return err
}

// leave lets writers wait for this replica no longer. It does not matter much: the lease would end, or the next start clear the key.
func (r *replica) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var err error
	if lease := r.lease.Load(); lease != 0 {
		_, err = r.store.client.Revoke(ctx, clientv3.LeaseID(lease))
	} else {
		_, err = r.store.client.Delete(ctx, r.key())
	}
	if err != nil {
		r.store.log.Debug("the replica could not sign off", "error", err)
	}
}
