package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	loadPage = 2000
	retry    = 200 * time.Millisecond
)

// load reads everything at one revision, in pages, and swaps it in.
func (s *Store) load(ctx context.Context) error {
	for _, t := range s.tables {
		t.stage()
	}
	guards, replicas, members := make(map[string]int64), make(map[string]peer), make(map[string]member)
	var revision, written int64
	end := clientv3.GetPrefixRangeEnd(Prefix)
	for from := Prefix; ; {
		page, err := s.client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(loadPage), clientv3.WithRev(revision))
		if err != nil {
			return unavailable("load", err)
		}
		if revision == 0 {
			revision = page.Header.Revision
		}
		for _, kv := range page.Kvs {
			full := strings.TrimPrefix(string(kv.Key), Prefix)
			name, key, _ := strings.Cut(full, "/")
			t, known := s.tables[name]
			switch {
			case name == guardTable:
				guards[full] = kv.ModRevision
			case name == replicaTable:
				replicas[key] = peerOf(kv)
				continue
			case name == memberTable:
				members[key] = memberOf(kv)
				continue
			case known:
				if err := t.load(key, kv.Value, kv.ModRevision); err != nil {
					return err
				}
			default:
				return fmt.Errorf("%s: %w", kv.Key, errUnknownKey)
			}
			written = max(written, kv.ModRevision)
		}
		if !page.More {
			break
		}
		from = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// What was loaded is not watched: a writer that saw the registration may be waiting for this replica to say that it has it.
	defer s.self.publishSoon()
	for _, t := range s.tables {
		t.swap()
	}
	// A deletion leaves no trace in what was read, so nothing but the revision itself is certain to be behind every write.
	s.guards, s.replicas, s.applied, s.written = guards, replicas, revision, revision
	s.members = make(map[string]map[string]member)
	for key, m := range members {
		s.putMember(key, m)
	}
	s.journal.reset(revision)
	s.announce()
	return nil
}

// follow feeds the indexes from one ordered watch over everything, until the store is closed.
func (s *Store) follow() {
	for s.ctx.Err() == nil {
		err := s.watch()
		if s.ctx.Err() != nil {
			return
		}
		s.log.Warn("watch of the store interrupted", "error", err)
		if errors.Is(err, errCompacted) {
			s.broken.Store(true)
			if err := s.load(s.ctx); err != nil {
				s.log.Error("the store could not be loaded again", "error", err)
			} else {
				s.broken.Store(false)
			}
		}
		select {
		case <-time.After(retry):
		case <-s.ctx.Done():
		}
	}
}

var errCompacted = errors.New("the watch fell too far behind")

// watch applies what follows the applied revision until the watch ends.
func (s *Store) watch() error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(s.ctx)) // one that follows a member without a leader would be left behind
	defer cancel()
	s.mu.RLock()
	from := s.applied + 1
	s.mu.RUnlock()
	for got := range s.client.Watch(ctx, Prefix, clientv3.WithPrefix(), clientv3.WithRev(from)) {
		if got.CompactRevision != 0 {
			return errCompacted
		}
		if err := got.Err(); err != nil {
			return err
		}
		if err := s.apply(got.Events); err != nil {
			s.fatal(err)
			return err
		}
	}
	return errors.New("the watch ended")
}

// apply brings the indexes to the revision of the last event at once: nobody sees half of a transaction.
func (s *Store) apply(events []*clientv3.Event) error {
	if len(events) == 0 {
		return nil
	}
	changes := make([]func(), 0, len(events))
	var written int64
	for _, e := range events {
		change, peer, err := s.prepare(e)
		if err != nil {
			return err
		}
		changes = append(changes, change)
		if !peer {
			written = e.Kv.ModRevision
		}
	}
	s.mu.Lock()
	before := len(s.replicas)
	for _, change := range changes {
		change()
	}
	s.applied = events[len(events)-1].Kv.ModRevision
	s.written = max(s.written, written)
	publish := written != 0 || len(s.replicas) > before
	// A replica that has just loaded takes the revision of that for a write's, though it may be one of a publication, and will wait for it.
	for _, p := range s.replicas {
		if p.applied > s.written && p.applied <= s.applied {
			s.written, publish = p.applied, true
		}
	}
	s.announce()
	s.mu.Unlock()
	if publish {
		s.self.publishSoon()
	}
	return nil
}

// prepare decodes an event outside of the lock; the change it gives is made under it. An event of a peer tells of no write.
func (s *Store) prepare(e *clientv3.Event) (change func(), peer bool, err error) {
	full := strings.TrimPrefix(string(e.Kv.Key), Prefix)
	name, key, _ := strings.Cut(full, "/")
	t, known := s.tables[name]
	deleted := e.Type == clientv3.EventTypeDelete
	switch {
	case name == guardTable && deleted:
		return func() { delete(s.guards, full) }, false, nil
	case name == guardTable:
		return func() { s.guards[full] = e.Kv.ModRevision }, false, nil
	case name == replicaTable && deleted:
		return func() { delete(s.replicas, key) }, true, nil
	case name == replicaTable:
		p := peerOf(e.Kv)
		return func() { s.replicas[key] = p }, true, nil
	case name == memberTable && deleted:
		return func() { s.dropMember(key) }, true, nil
	case name == memberTable:
		m := memberOf(e.Kv)
		return func() { s.putMember(key, m) }, true, nil
	case !known:
		return nil, false, fmt.Errorf("%s: %w", e.Kv.Key, errUnknownKey)
	case deleted:
		change = func() { t.remove(key) }
	default:
		if change, err = t.change(key, e.Kv.Value, e.Kv.ModRevision); err != nil {
			return nil, false, err
		}
	}
	return s.journaled(t, key, e.Kv.ModRevision, change), false, nil
}

// announce wakes whoever waits for a change; s.mu is held.
func (s *Store) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// peer is a live replica, or another member of the write barrier, as the others see it.
type peer struct {
	created int64 // revision it registered at
	applied int64 // it says it has applied
}

func peerOf(kv *mvccpb.KeyValue) peer {
	applied, _ := strconv.ParseInt(string(kv.Value), 10, 64) // what cannot be read has applied nothing
	return peer{created: kv.CreateRevision, applied: applied}
}

// behind reports whether a write has to wait for the peer. One that registered after it has loaded it.
func (p peer) behind(revision int64) bool { return p.created < revision && p.applied < revision }
