package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/podpass/podpass/store"
)

func association(cluster, name string) *store.Association {
	return &store.Association{Cluster: cluster, Namespace: "shop", ServiceAccount: name, ID: "a-" + cluster + name, RoleARN: "arn:aws:iam::111122223333:role/r"}
}

// associate writes an association, or deletes it where a is nil.
func associate(t testing.TB, s *store.Store, cluster, name string, a *store.Association) {
	t.Helper()
	put(t, s.Associations, store.AssociationKey(cluster, "shop", name), a)
}

// changes asks until there is something, and fails the test if there is not within half a minute.
func changes(t testing.TB, s *store.Store, cluster string, after int64) store.AssociationUpdate {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	update, err := s.AssociationChanges(ctx, cluster, after)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("changes behind %d: %v %v", after, update, err)
	}
	return update
}

// now is the update of a watcher that does not wait.
func now(t testing.TB, s *store.Store, cluster string, after int64) store.AssociationUpdate {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	update, err := s.AssociationChanges(ctx, cluster, after)
	if err != nil {
		t.Fatal(err)
	}
	return update
}

func snapshot(t testing.TB, s *store.Store, cluster string) store.AssociationUpdate {
	t.Helper()
	all, err := s.AssociationSnapshot(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func change(cluster, name string, deleted bool) store.AssociationChange {
	return store.AssociationChange{Cluster: cluster, Namespace: "shop", ServiceAccount: name, ID: "a-" + cluster + name, Deleted: deleted}
}

func testChanges(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	for _, s := range []*store.Store{a, b} {
		if first := now(t, s, "x", 0); !first.Reset {
			t.Errorf("the first update: %+v", first)
		}
	}
	after := snapshot(t, b, "x").Revision
	replaced := association("x", "2")
	replaced.ID = "a-again"
	associate(t, a, "x", "1", association("x", "1"))
	associate(t, a, "y", "1", association("y", "1"))
	associate(t, a, "x", "2", association("x", "2"))
	associate(t, a, "x", "1", nil)
	associate(t, a, "x", "2", replaced)
	want := []store.AssociationChange{
		change("x", "1", false), change("x", "2", false), change("x", "1", true), change("x", "2", true),
		{Cluster: "x", Namespace: "shop", ServiceAccount: "2", ID: "a-again"},
	}
	unversioned := cmpopts.IgnoreFields(store.AssociationChange{}, "Revision")
	for name, s := range map[string]*store.Store{"a": a, "b": b} {
		got := now(t, s, "x", after)
		if diff := cmp.Diff(want, got.Changes, unversioned); diff != "" || got.Reset {
			t.Errorf("%s: %v %s", name, got.Reset, diff)
		}
		if !slices.IsSortedFunc(got.Changes, func(a, b store.AssociationChange) int { return int(a.Revision - b.Revision) }) {
			t.Errorf("%s: out of order: %v", name, got.Changes)
		}
		if again := now(t, s, "x", got.Revision); again.Reset || len(again.Changes) != 0 || again.Revision < got.Revision {
			t.Errorf("%s: nothing happened: %+v", name, again)
		}
		if all := snapshot(t, s, "x"); len(all.Changes) != 1 || all.Changes[0].ID != "a-again" || !all.Reset {
			t.Errorf("%s: snapshot %+v", name, all)
		}
		if future := now(t, s, "x", got.Revision+1_000_000); !future.Reset {
			t.Errorf("%s: of a revision that never was: %+v", name, future)
		}
	}

	// A change that is to come is waited for, and one of another cluster wakes nobody.
	after = now(t, b, "x", 0).Revision
	got := make(chan store.AssociationUpdate, 1)
	go func() { got <- changes(t, b, "x", after) }()
	associate(t, a, "y", "2", association("y", "2"))
	associate(t, a, "x", "3", association("x", "3"))
	if update := <-got; len(update.Changes) != 1 || update.Changes[0].ServiceAccount != "3" {
		t.Errorf("waited for: %+v", update)
	}
}

// testJournal has more changes than are remembered.
func testJournal(t *testing.T, c store.Config) {
	s := open(t, c)
	associate(t, s, "x", "1", association("x", "1"))
	associate(t, s, "quiet", "1", association("quiet", "1"))
	after := now(t, s, "x", 0).Revision
	names := make([]string, 5000)
	for i := range names {
		names[i] = fmt.Sprintf("%04d", i)
	}
	for chunk := range slices.Chunk(names, 100) {
		err := s.Transact(t.Context(), func(tx *store.Tx) error {
			for _, name := range chunk {
				store.Write(tx, s.Associations, store.AssociationKey("x", "shop", name), association("x", name))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := now(t, s, "x", after); !got.Reset {
		t.Errorf("%d changes are remembered of 5,000", len(got.Changes))
	}
	if got := now(t, s, "quiet", after); got.Reset || len(got.Changes) != 0 {
		t.Errorf("of a cluster where nothing happened: %+v", got)
	}
	if got := snapshot(t, s, "x"); len(got.Changes) != 5001 {
		t.Errorf("a snapshot of %d associations", len(got.Changes))
	}
}

// testSnapshot follows from a snapshot made while associations come and go: what comes of it must be what the store has.
func testSnapshot(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	for i := range 600 { // List takes 256 at a time
		if i%100 == 0 {
			associate(t, a, "x", fmt.Sprint("s", i), association("x", fmt.Sprint("s", i)))
		}
	}
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			name := fmt.Sprint("w", n%40)
			if n/40%2 == 0 {
				associate(t, a, "x", name, association("x", name))
			} else {
				associate(t, a, "x", name, nil)
			}
		}
	})
	type followed struct {
		has      map[string]bool
		revision int64
	}
	apply := func(f *followed, u store.AssociationUpdate) {
		for _, c := range u.Changes {
			f.has[c.ServiceAccount] = !c.Deleted
		}
		f.revision = u.Revision
	}
	all := make([]followed, 100)
	for i := range all {
		all[i].has = make(map[string]bool)
		apply(&all[i], snapshot(t, b, "x"))
	}
	close(stop)
	writing.Wait()
	want := map[string]bool{}
	for _, a := range b.Associations.List("x/", "") {
		want[a.ServiceAccount] = true
	}
	for i := range all {
		apply(&all[i], now(t, b, "x", all[i].revision))
		for name, has := range all[i].has {
			if !has {
				delete(all[i].has, name)
			}
		}
		if diff := cmp.Diff(want, all[i].has); diff != "" {
			t.Fatalf("snapshot %d and what followed: %s", i, diff)
		}
	}
}

func testEffect(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	associate(t, a, "x", "1", association("x", "1"))
	if got := a.AssociationEffect("x", "a-x1"); !got.Found || got.Servers != 2 || got.Webhooks != 0 || len(got.Pending) != 0 {
		t.Errorf("where it was written: %+v", got)
	}
	for name, s := range map[string]*store.Store{"a": a, "b": b} {
		eventually(t, name+" knows that the other has it", func() bool { return len(s.AssociationEffect("x", "a-x1").Pending) == 0 })
		if got := s.AssociationEffect("y", "a-x1"); got.Found || len(got.Pending) != 0 {
			t.Errorf("%s: in another cluster: %+v", name, got)
		}
	}
	associate(t, a, "x", "1", nil)
	if got := a.AssociationEffect("x", "a-x1"); got.Found || len(got.Pending) != 0 {
		t.Errorf("deleted: %+v", got)
	}
}

func testClosedWhileWaiting(t *testing.T, c store.Config) {
	a := open(t, c)
	b, err := a.Join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := now(t, b, "x", 0).Revision
	ended := make(chan error, 1)
	go func() {
		_, err := b.AssociationChanges(context.Background(), "x", after)
		ended <- err
	}()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("a watcher of a store that was closed got %v", err)
	}
}
