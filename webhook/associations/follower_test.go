package associations_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/webhook/associations"
)

const lease = 2400 * time.Millisecond

// server answers a member as podpass's does: at once where there is something to tell, else after a third of the lease.
type server struct {
	mu       sync.Mutex
	asked    []api.WatchAssociationsRequest
	down     error // nil: it answers
	silent   bool  // it takes requests and says nothing
	delay    time.Duration
	revision int64
	all      map[string]api.AssociationChange
	log      []api.AssociationChange // the one at i is of revision 100+i+1
	woken    chan struct{}
}

func newServer(all ...string) *server {
	s := &server{revision: 100, all: map[string]api.AssociationChange{}, woken: make(chan struct{})}
	for _, name := range all {
		s.all[name] = change(name, false)
	}
	return s
}

func change(name string, deleted bool) api.AssociationChange {
	for i := range name {
		if name[i] == '/' {
			return api.AssociationChange{Namespace: name[:i], ServiceAccount: name[i+1:], ID: "a-1", Deleted: deleted}
		}
	}
	return api.AssociationChange{}
}

func (s *server) write(name string, deleted bool) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	s.log = append(s.log, change(name, deleted))
	if deleted {
		delete(s.all, name)
	} else {
		s.all[name] = change(name, false)
	}
	s.wake()
	return s.revision
}

func (s *server) wake() {
	close(s.woken)
	s.woken = make(chan struct{})
}

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.wake()
}

func (s *server) requests() []api.WatchAssociationsRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]api.WatchAssociationsRequest(nil), s.asked...)
}

func (s *server) WatchAssociations(ctx context.Context, in *api.WatchAssociationsRequest) (*api.WatchAssociationsResult, error) {
	s.mu.Lock()
	s.asked = append(s.asked, *in)
	s.mu.Unlock()
	held := time.After(min(time.Duration(in.WaitSeconds)*time.Second, lease/3))
	for {
		s.mu.Lock()
		delay, woken := s.delay, s.woken
		out := &api.WatchAssociationsResult{Revision: s.revision, LeaseSeconds: lease.Seconds()}
		switch {
		case s.down != nil:
			defer s.mu.Unlock()
			return nil, s.down
		case s.silent:
			out = nil
		case in.Revision == 0 || in.Revision > s.revision:
			out.Reset = true
			for _, c := range s.all {
				out.Changes = append(out.Changes, c)
			}
		default:
			out.Changes = append(out.Changes, s.log[in.Revision-100:]...)
		}
		s.mu.Unlock()
		if out != nil && (out.Reset || len(out.Changes) > 0) {
			return out, wait(ctx, delay)
		}
		select {
		case <-woken:
		case <-held:
			if out != nil {
				return out, wait(ctx, delay)
			}
			held = nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow runs a follower for a test in a bubble, whose clock is the bubble's.
func follow(t *testing.T, servers ...*server) *associations.Follower {
	t.Helper()
	c := associations.Config{Cluster: "prod", Member: "webhook-1"}
	for _, s := range servers {
		c.Servers = append(c.Servers, s)
	}
	f, err := associations.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	synctest.Wait()
	return f
}

// want is what Associated must answer, and after how long.
func want(t *testing.T, f *associations.Follower, namespace, name string, associated, current bool, after time.Duration) {
	t.Helper()
	began := time.Now()
	gotAssociated, gotCurrent := f.Associated(t.Context(), namespace, name)
	if gotAssociated != associated || gotCurrent != current {
		t.Errorf("%s/%s: associated %v, current %v; want %v, %v", namespace, name, gotAssociated, gotCurrent, associated, current)
	}
	if took := time.Since(began); took != after {
		t.Errorf("%s/%s: answered after %v, want %v", namespace, name, took, after)
	}
}

// A server that answers is never waited for: its next answer comes while the one before is still current, also where the way to it is long.
func TestFarServerIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer("shop/web")
		s.delay = 200 * time.Millisecond
		f := follow(t, s)
		want(t, f, "shop", "web", true, true, s.delay)
		for range 500 {
			want(t, f, "shop", "web", true, true, 0)
			<-time.After(20 * time.Millisecond)
		}
	})
}

func TestFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer("shop/web", "shop/job-*", "team-?/*", "*/backup")
		f := follow(t, s)
		if err := f.Ready(); err != nil {
			t.Error(err)
		}
		for _, tt := range []struct {
			namespace, name string
			want            bool
		}{
			{"shop", "web", true},
			{"shop", "webs", false},
			{"other", "web", false},
			{"shop", "job-1", true},
			{"shop", "job", false},
			{"other", "job-1", false},
			{"team-a", "anything", true},
			{"team-ab", "anything", false},
			{"kube-system", "backup", true},
			{"", "", false},
		} {
			want(t, f, tt.namespace, tt.name, tt.want, true, 0)
			if got := f.Matching(tt.namespace, tt.name); got != tt.want {
				t.Errorf("Matching(%s, %s) = %v", tt.namespace, tt.name, got)
			}
		}
		if n := len(f.Entries()); n != 4 {
			t.Errorf("%d entries", n)
		}
		for _, step := range []struct {
			write           string
			deleted         bool
			namespace, name string
			want            bool
		}{
			{"shop/new", false, "shop", "new", true},
			{"shop/new", true, "shop", "new", false},
			{"shop/web", false, "shop", "web", true}, // written again
			{"shop/web", true, "shop", "web", false},
			{"shop/job-*", true, "shop", "job-1", false},
			{"*/backup", true, "kube-system", "backup", false},
			{"team-?/*", false, "team-a", "x", true},
			{"team-?/*", true, "team-a", "x", false},
		} {
			changed := f.Changed()
			s.write(step.write, step.deleted)
			synctest.Wait()
			select {
			case <-changed:
			default:
				t.Errorf("Changed was not closed by %s", step.write)
			}
			want(t, f, step.namespace, step.name, step.want, true, 0)
		}
	})
}

// What it says it has applied is what a reader can see, and a request is always on its way.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		f := follow(t, s)
		s.write("shop/web", false)
		synctest.Wait()
		time.Sleep(lease / 2)
		synctest.Wait()
		request := api.WatchAssociationsRequest{Cluster: "prod", Snapshot: true, Member: "webhook-1"}
		expected := []api.WatchAssociationsRequest{request, request, request, request}
		expected[1].Revision, expected[1].WaitSeconds = 100, 20
		expected[2].Revision, expected[2].WaitSeconds = 101, 20
		expected[3].Revision, expected[3].WaitSeconds = 101, 20
		if diff := cmp.Diff(expected, s.requests()); diff != "" {
			t.Error(diff)
		}
		want(t, f, "shop", "web", true, true, 0)
	})
}

// An answer is good for the lease counted from the sending of the request, however late it came, and not a moment longer.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer("shop/web")
		s.delay = time.Second
		began := time.Now()
		f := follow(t, s)
		s.set(func() { s.silent = true })
		time.Sleep(time.Until(began.Add(lease - time.Millisecond)))
		want(t, f, "shop", "web", true, true, 0)
		time.Sleep(time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if associated, current := f.Associated(ctx, "shop", "web"); !associated || current {
			t.Errorf("after the lease: associated %v, current %v", associated, current)
		}
		if err := f.Ready(); err != nil {
			t.Errorf("a webhook that is cut off is not ready: %v", err)
		}
	})
}

// An answer that would be stale is waited for, and is given as soon as a server is back: what was written meanwhile is in it.
func TestWaitsThroughAShortOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		f := follow(t, s)
		s.set(func() { s.down = errors.New("connection refused") })
		time.Sleep(lease)
		time.AfterFunc(time.Second, func() {
			s.set(func() { s.down = nil })
			s.write("shop/web", false)
		})
		began := time.Now()
		associated, current := f.Associated(t.Context(), "shop", "web")
		if took := time.Since(began); !associated || !current || took < time.Second || took > 1500*time.Millisecond {
			t.Errorf("associated %v, current %v after %v", associated, current, took)
		}
	})
}

// In a long outage it says soon that it does not know.
func TestLongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer("shop/web")
		f := follow(t, s)
		s.set(func() { s.down = &api.Error{Status: 500, Code: "InternalFailure"} })
		time.Sleep(lease)
		want(t, f, "shop", "web", true, false, 1800*time.Millisecond) // it may be a server that is being replaced
		time.Sleep(time.Minute)
		began := time.Now()
		associated, current := f.Associated(t.Context(), "shop", "web")
		if took := time.Since(began); !associated || current || took > 300*time.Millisecond {
			t.Errorf("associated %v, current %v after %v", associated, current, took)
		}
		before := len(s.requests())
		time.Sleep(time.Minute)
		if asked := len(s.requests()) - before; asked < 12 || asked > 24 {
			t.Errorf("%d requests in a minute in which nobody waited", asked)
		}
		s.set(func() { s.down = nil })
		time.Sleep(time.Second)
		began = time.Now()
		if _, current := f.Associated(t.Context(), "shop", "web"); !current || time.Since(began) > 250*time.Millisecond {
			t.Errorf("who waits does not have it asked sooner: current %v after %v", current, time.Since(began))
		}
	})
}

// Another replica is asked at once where one does not answer, and goes on where that one was.
func TestFailover(t *testing.T) {
	for name, fail := range map[string]func(*server){
		"refused":     func(s *server) { s.down = errors.New("connection refused") },
		"unavailable": func(s *server) { s.down = &api.Error{Status: 503, Code: "ServiceUnavailable"} },
		"silent":      func(s *server) { s.silent = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, two := newServer("shop/web"), newServer("shop/web")
				f := follow(t, one, two)
				if len(two.requests()) > 0 {
					t.Error("the second was asked while the first answered")
				}
				one.set(func() { fail(one) })
				two.write("shop/new", false)
				want(t, f, "shop", "web", true, true, 0)
				time.Sleep(lease)
				synctest.Wait()
				want(t, f, "shop", "new", true, true, 0)
				if first := two.requests()[0]; first.Revision != 100 {
					t.Errorf("the second was asked from revision %d", first.Revision)
				}
			})
		})
	}
}

// A store that was put back to an older state: everything known is void.
func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer("shop/web")
		f := follow(t, s)
		s.write("shop/new", false)
		s.write("shop/other", false)
		synctest.Wait()
		s.set(func() {
			s.revision, s.log = 100, nil
			s.all = map[string]api.AssociationChange{"shop/old": change("shop/old", false)}
		})
		time.Sleep(lease)
		want(t, f, "shop", "old", true, true, 0)
		want(t, f, "shop", "web", false, true, 0)
		want(t, f, "shop", "new", false, true, 0)
	})
}

// answer is a server that says one thing.
type answer api.WatchAssociationsResult

func (a answer) WatchAssociations(context.Context, *api.WatchAssociationsRequest) (*api.WatchAssociationsResult, error) {
	out := api.WatchAssociationsResult(a)
	return &out, nil
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, a := range map[string]answer{
		"empty":       {},
		"no lease":    {Revision: 5, Reset: true},
		"no snapshot": {Revision: 5, LeaseSeconds: 2.4},
		"no revision": {Reset: true, LeaseSeconds: 2.4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, err := associations.New(associations.Config{Servers: []associations.Server{a}, Cluster: "prod", Member: "webhook-1"})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				go f.Run(ctx)
				want(t, f, "shop", "web", false, false, 1800*time.Millisecond)
				if f.Ready() == nil {
					t.Error("it is ready")
				}
				<-ctx.Done()
			})
		})
	}
}
