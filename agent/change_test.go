package agent_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/api"
)

func TestDeletedAssociation(t *testing.T) {
	w := start(t)
	raw := web.token(t)
	w.mustFetch(raw, 1)
	for _, other := range [][2]string{{"shop", "db"}, {"shop2", "web"}, {"s?p", "web"}, {"", ""}} {
		w.AssociationChanged(other[0], other[1], true)
		w.mustFetch(raw, 1)
	}
	for n, globs := range [][2]string{{"shop", "web"}, {"*", "web"}, {"shop", "*"}, {"sh?p", "w*"}} {
		w.AssociationChanged(globs[0], globs[1], true)
		w.mustFetch(raw, n+2)
	}
	w.AssociationChanged("shop", "web", true)
	w.backend.set(failing(errOutage))
	w.mustRefuse(raw, 503, "")
}

func TestWrittenAssociation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		raw := web.token(t)
		w.mustFetch(raw, 1)
		w.AssociationChanged("shop", "*", false)
		w.mustFetch(raw, 2)
		w.mustFetch(raw, 2)

		w.backend.set(failing(errOutage))
		w.AllAssociationsChanged()
		w.mustFetch(raw, 2) // nobody answers: what was there serves on
		w.mustHaveCalled(3)
		w.backend.set(nil)
		w.AssociationChanged("shop", "web", false) // which makes the next fetch ask at once, whatever failed before
		w.mustFetch(raw, 4)
	})
}

// An association created while the refusal of its absence is remembered counts at once.
func TestCreatedAssociationEndsRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		raw := web.token(t)
		w.backend.set(failing(errNoRole))
		w.mustRefuse(raw, 404, "")
		w.backend.set(nil)
		w.mustRefuse(raw, 404, "")
		w.AssociationChanged("shop", "web", false)
		w.mustFetch(raw, 2)
	})
}

// What was asked before a change is handed to those who asked then, and to nobody after it.
func TestChangeDuringFlight(t *testing.T) {
	for name, change := range map[string]func(*world){
		"deleted": func(w *world) { w.AssociationChanged("shop", "web", true) },
		"written": func(w *world) { w.AssociationChanged("shop", "web", false) },
		"reset":   func(w *world) { w.AllAssociationsChanged() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t)
				raw := web.token(t)
				w.backend.set(after(time.Second))
				before := make(chan *reply, 1)
				go func() { before <- w.fetch(raw) }()
				time.Sleep(500 * time.Millisecond)
				change(w)
				w.mustFetch(raw, 2)
				if r := <-before; r.status != 200 || r.took != time.Second {
					t.Errorf("%d after %v", r.status, r.took)
				}
				w.mustFetch(raw, 2)
			})
		})
	}
}

// A fetch that would have fallen back on credentials whose association is deleted while it waits, must not.
func TestDeletedWhileRenewing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		raw := web.token(t)
		w.mustFetch(raw, 1)
		w.AllAssociationsChanged()
		w.backend.set(after(4 * time.Second))
		done := make(chan *reply, 1)
		go func() { done <- w.fetch(raw) }()
		time.Sleep(100 * time.Millisecond)
		w.AssociationChanged("shop", "web", true)
		w.backend.set(failing(errNoRole))
		if r := <-done; r.status != 404 {
			t.Errorf("%d %s", r.status, r.body)
		}
		time.Sleep(4 * time.Second) // for the first flight's end
	})
}

// fakeWatch answers each request with the next of its results; a nil one is a failure. At the end it fails, or waits.
type fakeWatch struct {
	results []*api.WatchAssociationsResult
	last    error
	asked   []api.WatchAssociationsRequest
}

func (f *fakeWatch) WatchAssociations(ctx context.Context, in *api.WatchAssociationsRequest) (*api.WatchAssociationsResult, error) {
	f.asked = append(f.asked, *in)
	if len(f.results) == 0 && f.last != nil {
		return nil, f.last
	}
	if len(f.results) == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r := f.results[0]
	f.results = f.results[1:]
	if r == nil {
		return nil, errOutage
	}
	return r, nil
}

func TestFollowAssociations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		first, second := web.token(t), sign(t, clusterKey(), pod{"shop", "db", "db-1", "u"}.claims(time.Now()))
		w.mustFetch(first, 1)
		w.mustFetch(second, 2)
		ctx, stop := context.WithCancel(t.Context())
		watch := &fakeWatch{results: []*api.WatchAssociationsResult{
			{Revision: 7},
			nil, nil,
			{Revision: 9, Changes: []api.AssociationChange{{Namespace: "shop", ServiceAccount: "web", Deleted: true}}},
			{Revision: 9},
			{Revision: 9},
		}}
		done := make(chan error, 1)
		go func() { done <- w.FollowAssociations(ctx, watch) }()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		w.mustFetch(second, 2)
		w.mustFetch(first, 3)
		var revisions []int64
		for _, r := range watch.asked {
			revisions = append(revisions, r.Revision)
			if r.Cluster != "demo" || r.Member != "" || r.Snapshot || r.WaitSeconds != 20 {
				t.Errorf("asked for %+v", r)
			}
		}
		if want := []int64{0, 7, 7, 7, 9, 9, 9}; len(revisions) != len(want) || revisions[1] != 7 || revisions[6] != 9 {
			t.Errorf("revisions %v", revisions)
		}
		stop()
		if err := <-done; err != context.Canceled {
			t.Error(err)
		}
	})
}

func TestFollowAssociationsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		raw := web.token(t)
		w.mustFetch(raw, 1)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_ = w.FollowAssociations(ctx, &fakeWatch{results: []*api.WatchAssociationsResult{{Revision: 3, Reset: true}}})
		w.mustFetch(raw, 2)
	})
}

// A server that answers at once and says nothing is not asked without a pause, and one that is away comes back within 10 s.
func TestFollowAssociationsPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watch := &fakeWatch{}
		for range 1000 {
			watch.results = append(watch.results, &api.WatchAssociationsResult{})
		}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		_ = w.FollowAssociations(ctx, watch)
		stop()
		if n := len(watch.asked); n > 101 {
			t.Errorf("asked %d times in 10 s", n)
		}
		down := &fakeWatch{results: make([]*api.WatchAssociationsResult, 1000)}
		ctx, stop = context.WithTimeout(t.Context(), time.Minute)
		_ = w.FollowAssociations(ctx, down)
		stop()
		if n := len(down.asked); n < 12 || n > 40 {
			t.Errorf("asked %d times in a minute", n)
		}
	})
}

var _ agent.AssociationWatcher = (*api.Client)(nil)

// A cluster that is deregistered has no associations any more, those among them of whose deletion the watch has not heard.
func TestFollowAssociationsOfAClusterThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := &api.Error{Status: 404, Code: "ResourceNotFoundException", Message: "There is no cluster demo."}
		for name, before := range map[string][]*api.WatchAssociationsResult{
			"while it is followed": {{Revision: 7}},
			"before it was":        nil,
		} {
			w := start(t)
			raw := web.token(t)
			w.mustFetch(raw, 1)
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			_ = w.FollowAssociations(ctx, &fakeWatch{results: before, last: gone})
			stop()
			w.backend.set(failing(errNoRole))
			if r := w.fetch(raw); r.status != http.StatusNotFound {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
	})
}

// A server that cannot say anything says nothing of the associations.
func TestFollowAssociationsThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		raw := web.token(t)
		w.mustFetch(raw, 1)
		for _, err := range []error{errOutage, &api.Error{Status: 403, Code: "AccessDeniedException"}, &api.Error{Status: 404, Code: "NotFound"}} {
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			_ = w.FollowAssociations(ctx, &fakeWatch{results: []*api.WatchAssociationsResult{{Revision: 7}}, last: err})
			stop()
			w.mustFetch(raw, 1)
		}
	})
}
