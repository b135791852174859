package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/podpass/podpass/store"
)

// webhook is a member of the write barrier as another process is one: it knows what it was answered, and nothing else.
type webhook struct {
	cluster, id string

	mu      sync.Mutex
	has     map[string]bool
	applied int64
	until   time.Time // it is stale from then on
}

func newWebhook(cluster, id string) *webhook {
	return &webhook{cluster: cluster, id: id, has: make(map[string]bool)}
}

// poll is one request to a server and what the webhook makes of its answer.
func (w *webhook) poll(ctx context.Context, s *store.Store, wait time.Duration) error {
	w.mu.Lock()
	applied := w.applied
	w.mu.Unlock()
	sent := time.Now()
	lease, err := s.RenewMember(ctx, w.cluster, w.id, applied)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	update, err := s.AssociationChanges(ctx, w.cluster, applied)
	if err == nil && update.Reset {
		update, err = s.AssociationSnapshot(context.WithoutCancel(ctx), w.cluster)
	}
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if update.Reset {
		clear(w.has)
	}
	for _, c := range update.Changes {
		w.has[c.ServiceAccount] = !c.Deleted
	}
	w.applied, w.until = update.Revision, sent.Add(lease)
	return nil
}

func (w *webhook) knows(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.has[name]
}

func (w *webhook) staleFrom() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.until
}

// joined is a webhook that has what there is.
func joined(t testing.TB, s *store.Store, cluster, id string) *webhook {
	t.Helper()
	w := newWebhook(cluster, id)
	if err := w.poll(t.Context(), s, 0); err != nil {
		t.Fatal(err)
	}
	return w
}

// eventually is for what must come to pass and says nothing about when.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// testMemberDelays: a write is not acknowledged while a webhook is alive and has not applied it, however long that takes.
func testMemberDelays(t *testing.T, c store.Config) {
	c.Lease = 2 * time.Second
	a, b := openPair(t, c)
	late, quick := joined(t, b, "x", "late"), joined(t, a, "x", "quick")
	acknowledged := make(chan struct{})
	go func() {
		defer close(acknowledged)
		associate(t, a, "x", "1", association("x", "1"))
	}()
	id := association("x", "1").ID
	eventually(t, "both servers have the association", func() bool {
		return a.AssociationEffect("x", id).Found && b.AssociationEffect("x", id).Found
	})
	if err := quick.poll(t.Context(), b, 0); err != nil { // learns it
		t.Fatal(err)
	}
	if err := quick.poll(t.Context(), b, 0); err != nil { // and says so
		t.Fatal(err)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < 3*time.Second; <-tick.C { // longer than its lease
		for _, s := range []*store.Store{b, a} {
			if _, err := s.RenewMember(t.Context(), "x", "late", late.applied); err != nil {
				t.Fatal(err)
			}
			if err := quick.poll(t.Context(), s, 0); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-acknowledged:
			t.Fatal("acknowledged before a live webhook had it")
		default:
		}
	}
	for name, s := range map[string]*store.Store{"a": a, "b": b} {
		eventually(t, "only one is waited for", func() bool {
			got := s.AssociationEffect("x", id)
			return got.Found && got.Servers == 2 && got.Webhooks == 2 && len(got.Pending) == 1 && got.Pending[0] == "webhook/late"
		})
		t.Logf("%s: %+v", name, s.AssociationEffect("x", id))
	}
	for range 2 {
		if err := late.poll(t.Context(), b, 0); err != nil {
			t.Fatal(err)
		}
	}
	<-acknowledged
	if !late.knows("1") {
		t.Error("acknowledged, and the webhook does not know it")
	}
	if got := a.AssociationEffect("x", id); len(got.Pending) != 0 {
		t.Errorf("in effect, and %v is waited for", got.Pending)
	}
}

// testMemberDies: one that is cut off is waited for until it surely knows that it is stale, and not much longer.
func testMemberDies(t *testing.T, c store.Config) {
	c.Lease = 2 * time.Second
	a, b := openPair(t, c)
	w := joined(t, b, "x", "cut-off")
	began := time.Now()
	put(t, a.Roles, "k", role("x"))
	associate(t, a, "y", "1", association("y", "1"))
	if took := time.Since(began); took > time.Second {
		t.Errorf("what is none of its business took %v", took)
	}
	associate(t, a, "x", "1", association("x", "1"))
	if time.Now().Before(w.staleFrom()) {
		t.Error("acknowledged while the webhook takes what it has for good")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("one that died was waited for %v, its lease is 2 s", took)
	}
	if got := a.AssociationEffect("x", "a-x1"); got.Webhooks != 0 || len(got.Pending) != 0 {
		t.Errorf("the dead one is remembered: %+v", got)
	}
	if err := w.poll(t.Context(), b, 0); err != nil || !w.knows("1") {
		t.Errorf("back again: %v, %v", err, w.has)
	}
	if got := b.AssociationEffect("x", "a-x1"); got.Webhooks != 1 || len(got.Pending) != 0 {
		t.Errorf("back again: %+v", got)
	}
}

// testMemberReads: what is acknowledged, through either server, is known to every webhook, whichever servers it asks.
func testMemberReads(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	webhooks := []*webhook{joined(t, a, "x", "1"), joined(t, b, "x", "2"), joined(t, b, "x", "3")}
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	for i, w := range webhooks {
		following.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				server := a
				if (n+i)%2 == 0 { // as behind a load balancer
					server = b
				}
				// A server that is a moment behind says that it is unavailable; if that lasts the webhook is stale.
				if err := w.poll(ctx, server, 500*time.Millisecond); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrUnavailable) {
					t.Error(err)
				}
			}
		})
	}
	defer following.Wait()
	defer stop()
	checked := 0
	for i := range 300 {
		name := fmt.Sprint(i % 7)
		want := association("x", name)
		if i/7%2 == 1 {
			want = nil
		}
		associate(t, []*store.Store{a, b}[i%2], "x", name, want)
		for _, w := range webhooks {
			known := w.knows(name)
			switch live := time.Now().Before(w.staleFrom()); {
			case live && known != (want != nil):
				t.Fatalf("write %d was acknowledged, and webhook %s has %v", i, w.id, known)
			case live:
				checked++
			}
		}
	}
	if checked < 600 {
		t.Errorf("of 900 times a webhook was live %d times", checked)
	}
}

// testMemberLimits: a webhook that begins anew under its old name, one that claims what never was, and one too many.
func testMemberLimits(t *testing.T, c store.Config) {
	c.Lease = time.Minute
	a, b := openPair(t, c)
	joined(t, a, "x", "w")
	acknowledged := make(chan struct{})
	go func() {
		defer close(acknowledged)
		associate(t, b, "x", "1", association("x", "1"))
	}()
	eventually(t, "the write is under way", func() bool { return b.AssociationEffect("x", "a-x1").Found })
	again := joined(t, b, "x", "w")
	if !again.knows("1") {
		t.Error("one that began anew does not have what is being written")
	}
	if err := again.poll(t.Context(), a, 0); err != nil {
		t.Fatal(err)
	}
	<-acknowledged
	liar := newWebhook("x", "liar")
	if liar.applied = 1 << 40; liar.poll(t.Context(), a, 0) != nil || !liar.knows("1") || liar.applied == 1<<40 {
		t.Errorf("a revision that never was: at %d with %v", liar.applied, liar.has)
	}
	if _, err := a.RenewMember(t.Context(), "x", "liar", 1<<40); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a member that claims a revision that never was: %v", err)
	}
	for i := range 64 {
		_, err := a.RenewMember(t.Context(), "crowded", fmt.Sprint(i), 0)
		if err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
	}
	if _, err := a.RenewMember(t.Context(), "crowded", "64", 0); !errors.Is(err, store.ErrTooManyMembers) {
		t.Errorf("the 65th member: %v", err)
	}
	if _, err := a.RenewMember(t.Context(), "crowded", "0", 0); err != nil {
		t.Errorf("one of the 64 again: %v", err)
	}
}
