package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/podpass/podpass/session"
)

// Prefix is where everything stands in etcd; its last segment is the format version.
const Prefix = "/podpass/v1/"

const (
	guardTable   = "guards"   // see ReadBy
	replicaTable = "replicas" // see replica.go
	memberTable  = "members"  // see members.go
)

// Store is the state, on etcd, with watch-fed indexes in memory: reads make no etcd call; a write returns when every live replica has applied it.
type Store struct {
	Meta            *Table[Meta]
	Accounts        *Table[Account]
	Roles           *Table[Role]
	Users           *Table[User]
	AccessKeys      *Table[AccessKey]
	Policies        *Table[Policy]
	Providers       *Table[Provider]
	Clusters        *Table[Cluster]
	ServiceAccounts *Table[ServiceAccount]
	Associations    *Table[Association]
	Revocations     *Table[Revocation]
	rings           *Table[session.Ring]

	now      func() time.Time
	random   io.Reader
	log      *slog.Logger
	onFatal  func(error)
	client   *clientv3.Client
	etcd     *embedded // nil on an external cluster, and for a joined replica
	joined   bool      // client is another store's
	compiled documents
	tables   map[string]table
	shared   shared // of whoever loads or follows
	self     *replica

	memberLease time.Duration // of webhooks and their like

	mu       sync.RWMutex
	changed  chan struct{} // closed and replaced whenever what mu guards has changed
	guards   map[string]int64
	replicas map[string]peer              // the live ones, this one included
	members  map[string]map[string]member // by cluster and id
	journal  journal
	applied  int64 // revision all of this is of
	written  int64 // no write to a table is newer, of those up to applied; what this replica publishes

	broken atomic.Bool           // the watch lost its place: the indexes are being loaded again
	failed atomic.Pointer[error] // why the store is at an end
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// Open starts the embedded etcd or connects to the external one, loads the indexes and keeps them fed until Close.
func Open(ctx context.Context, c Config) (*Store, error) {
	if (c.DataDir == "") == (len(c.Endpoints) == 0) {
		return nil, errors.New("store: give either a data directory or etcd endpoints")
	}
	c = c.withDefaults()
	s := newStore(c)
	var err error
	if c.DataDir != "" {
		if s.etcd, err = startEmbedded(ctx, c, s.fatal); err == nil {
			s.client = s.etcd.client
		}
		c.Lease = 0 // every replica is in this process: none can be cut off
	} else {
		s.client, err = dial(c)
	}
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx, c.Lease); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Join opens another replica on the same etcd, with indexes of its own, for another part of this process. It must be closed before s.
func (s *Store) Join(ctx context.Context) (*Store, error) {
	joined := newStore(Config{Now: s.now, Random: s.random, Logger: s.log, OnFatal: s.onFatal, Lease: s.memberLease})
	joined.client, joined.joined = s.client, true
	if err := joined.start(ctx, s.self.asked); err != nil {
		return nil, errors.Join(err, joined.Close())
	}
	return joined, nil
}

func newStore(c Config) *Store {
	s := &Store{
		now: c.Now, random: c.Random, log: c.Logger, onFatal: c.OnFatal, memberLease: c.Lease,
		tables: make(map[string]table), changed: make(chan struct{}), guards: make(map[string]int64), replicas: make(map[string]peer),
		members: make(map[string]map[string]member),
	}
	s.journal.reset(0)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.Meta = newTable[Meta](s, "meta", nil)
	s.Accounts = newTable[Account](s, "accounts", nil)
	s.Roles = newTable(s, "roles", roleIndexes)
	s.Users = newTable(s, "users", userIndexes)
	s.AccessKeys = newTable(s, "accesskeys", accessKeyIndexes)
	s.Policies = newTable[Policy](s, "policies", nil)
	s.Providers = newTable(s, "providers", providerIndexes)
	s.Clusters = newTable(s, "clusters", clusterIndexes)
	s.ServiceAccounts = newTable[ServiceAccount](s, "serviceaccounts", nil)
	s.Associations = newTable(s, "associations", associationIndexes)
	s.Revocations = newTable[Revocation](s, "revocations", nil)
	s.rings = newTable[session.Ring](s, "rings", nil)
	return s
}

// start registers the replica, loads and then follows. The order is the write barrier's: see replica.go.
func (s *Store) start(ctx context.Context, lease time.Duration) error {
	var err error
	if s.self, err = newReplica(s, lease); err != nil {
		return err
	}
	if err := s.self.register(ctx); err != nil {
		return err
	}
	if lease != 0 {
		s.tasks.Go(s.self.renew)
	}
	s.tasks.Go(s.self.publish)
	if err := s.load(ctx); err != nil {
		return err
	}
	s.tasks.Go(s.follow)
	s.self.extend()
	return s.ensureRing(ctx)
}

// Check is nil while the indexes may be answered from.
func (s *Store) Check() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	if s.broken.Load() || !s.self.live() {
		return ErrStale
	}
	return nil
}

// Close stops the replica, and the embedded etcd. It returns when nothing of the store runs any more.
func (s *Store) Close() error {
	err := ErrClosed
	s.failed.CompareAndSwap(nil, &err)
	s.cancel()
	s.tasks.Wait()
	if s.self != nil && *s.failed.Load() == ErrClosed {
		s.self.leave()
	}
	switch {
	case s.etcd != nil:
		return s.etcd.close()
	case s.joined:
		return nil
	default:
		return s.client.Close()
	}
}

// fatal ends the store: Check fails from here on. Only the first reason counts.
func (s *Store) fatal(err error) {
	if !s.failed.CompareAndSwap(nil, &err) {
		return
	}
	s.cancel() // whoever waits for etcd waits in vain
	s.log.Error("the store has failed", "error", err)
	if s.onFatal != nil {
		s.onFatal(err)
	}
}

// end is why the store is at its end; ErrClosed where it is not known yet.
func (s *Store) end() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return ErrClosed
}

// wait blocks until what s.mu guards fulfils a condition.
func (s *Store) wait(ctx context.Context, doing string, fulfilled func() bool) error {
	for {
		s.mu.RLock()
		done, changed := fulfilled(), s.changed
		s.mu.RUnlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return s.end()
		case <-ctx.Done():
			return unavailable(doing, ctx.Err())
		}
	}
}

// mod is the modification revision of TABLE/KEY, 0 where it is absent; s.mu is held.
func (s *Store) mod(full string) int64 {
	name, key, _ := strings.Cut(full, "/")
	if name == guardTable {
		return s.guards[full]
	}
	if t, ok := s.tables[name]; ok {
		return t.mod(key)
	}
	return 0
}

func (s *Store) dataRevision() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.written
}

var errUnknownKey = fmt.Errorf("a key of no table under %s: was it written by a newer podpass?", Prefix)
