package store

import (
	"context"
	"time"
)

// AssociationChange is one association that was written or deleted.
type AssociationChange struct {
	Revision                      int64
	Cluster                       string
	Namespace, ServiceAccount, ID string // names, or globs; id is a-…
	Deleted                       bool
}

func changeOf(a *Association, revision int64, deleted bool) AssociationChange {
	return AssociationChange{revision, a.Cluster, a.Namespace, a.ServiceAccount, a.ID, deleted}
}

// AssociationUpdate is what has become of a cluster's associations since a revision.
type AssociationUpdate struct {
	Revision int64 // to ask with the next time
	// Reset says that the changes since are not known, all of them: the revision is older than what is remembered, or not of this store.
	Reset   bool
	Changes []AssociationChange // in the order in which they happened
}

// catchUp is how long a revision that this replica has not applied is waited for, before it is taken for one of another store.
const catchUp = time.Second

// AssociationChanges blocks until the associations of a cluster have changed since a revision, or ctx is at its end, which is no error: the update is
// empty then. A watcher that waits costs a goroutine and is woken by its own cluster only.
func (s *Store) AssociationChanges(ctx context.Context, cluster string, after int64) (AssociationUpdate, error) {
	if after > 0 {
		if err := s.reach(ctx, after); err != nil {
			return AssociationUpdate{}, err
		}
	}
	for {
		update, changed := s.associationsSince(cluster, after)
		if update.Reset || len(update.Changes) > 0 {
			return update, s.Check()
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return AssociationUpdate{}, s.end()
		case <-ctx.Done():
			update, _ = s.associationsSince(cluster, after)
			return update, s.Check()
		}
	}
}

// reach waits a moment for this replica to apply a revision that another one gave out. That it doesn't come is no error here.
func (s *Store) reach(ctx context.Context, revision int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), catchUp)
	defer cancel()
	if err := s.wait(ctx, "catch up", func() bool { return s.applied >= revision }); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *Store) associationsSince(cluster string, after int64) (AssociationUpdate, <-chan struct{}) {
	s.mu.Lock() // not only for reading: the journal may make an entry for the cluster
	defer s.mu.Unlock()
	changed := s.journal.of(cluster).changed
	if after <= 0 || after > s.applied || !s.journal.covers(cluster, after) {
		return AssociationUpdate{Revision: s.written, Reset: true}, changed
	}
	// A watcher from another replica may be ahead of what this one calls its newest write, never behind the state it stands for.
	return AssociationUpdate{Revision: max(s.written, after), Changes: s.journal.since(cluster, after)}, changed
}

// AssociationSnapshot is every association of a cluster at one revision.
//
// The state is not locked while a hundred thousand of them are copied: exchanges read it. What is listed may be of several moments, and is then
// brought to the last of them by what the journal has of the time between. Where the journal has not, it is listed again.
func (s *Store) AssociationSnapshot(ctx context.Context, cluster string) (AssociationUpdate, error) {
	for ctx.Err() == nil {
		began := s.dataRevision()
		var all []AssociationChange
		for _, a := range s.Associations.List(cluster+"/", "") {
			all = append(all, changeOf(a, 0, false))
		}
		s.mu.RLock()
		covered, revision := s.journal.covers(cluster, began), s.written
		var missed []AssociationChange
		if covered {
			missed = s.journal.since(cluster, began)
		}
		s.mu.RUnlock()
		if covered {
			return AssociationUpdate{Revision: revision, Reset: true, Changes: overlay(all, missed)}, s.Check()
		}
	}
	return AssociationUpdate{}, unavailable("list associations", ctx.Err())
}

// overlay brings a list of associations up to date with later changes.
func overlay(all, changes []AssociationChange) []AssociationChange {
	if len(changes) == 0 {
		return all
	}
	type name struct{ namespace, serviceAccount string }
	last := make(map[name]AssociationChange, len(changes))
	for _, c := range changes {
		last[name{c.Namespace, c.ServiceAccount}] = c
	}
	kept := all[:0]
	for _, c := range all {
		if _, changed := last[name{c.Namespace, c.ServiceAccount}]; !changed {
			kept = append(kept, c)
		}
	}
	for _, c := range last {
		if !c.Deleted {
			kept = append(kept, c)
		}
	}
	return kept
}

// journaled is a change of a table that is also told to those who follow the associations. It is made under s.mu.
func (s *Store) journaled(t table, key string, revision int64, change func()) func() {
	switch t {
	case table(s.Associations):
		return func() {
			before := s.Associations.live.byKey[key].record()
			change()
			after := s.Associations.live.byKey[key].record()
			if before == after {
				return // loaded at a later revision already
			}
			if before != nil && (after == nil || after.ID != before.ID) {
				s.journal.add(changeOf(before, revision, true))
			}
			if after != nil {
				s.journal.add(changeOf(after, revision, false))
			}
		}
	case table(s.Clusters):
		return func() {
			if change(); s.Clusters.mod(key) == 0 {
				s.journal.forget(key, revision)
			}
		}
	}
	return change
}
