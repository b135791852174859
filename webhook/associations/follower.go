package associations

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
)

// Server is one replica of the podpass server: an *api.Client.
type Server interface {
	WatchAssociations(ctx context.Context, in *api.WatchAssociationsRequest) (*api.WatchAssociationsResult, error)
}

// Config is what New needs.
type Config struct {
	Servers  []Server // replicas of one server, the preferred one first
	Cluster  string
	Member   string                            // this process and no other: 1–64 characters, [A-Za-z0-9._-]
	Patience time.Duration                     // how long an answer waits to become current, at most; default 1.8 s
	Now      func() time.Time                  // default time.Now
	Jitter   func(time.Duration) time.Duration // a random span below the given one
	Log      *slog.Logger                      // default: nothing is said
	Registry prometheus.Registerer             // nil: metrics are kept and shown to nobody
}

// Follower follows the associations of one cluster. It is safe for concurrent use.
type Follower struct {
	cfg     Config
	metrics *metrics
	kick    chan struct{} // somebody waits: ask again soon

	mu       sync.RWMutex
	set      *set          // nil before the first snapshot
	until    time.Time     // what is in set is current before this
	outage   time.Time     // when it began that no server answers; zero: one does
	failures int           // rounds since New in which no server answered
	turn     chan struct{} // closed, and made anew, when until or failures have changed
	changed  chan struct{} // closed, and made anew, when the set has
}

// New makes a Follower that knows nothing yet; Run feeds it.
func New(c Config) (*Follower, error) {
	if len(c.Servers) == 0 || c.Cluster == "" || c.Member == "" {
		return nil, errors.New("associations: servers, cluster and member are required")
	}
	if c.Patience <= 0 {
		c.Patience = defaultPatience
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = func(most time.Duration) time.Duration { return most / 2 }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	f := &Follower{cfg: c, kick: make(chan struct{}, 1), turn: make(chan struct{}), changed: make(chan struct{}), outage: c.Now()}
	var err error
	f.metrics, err = newMetrics(c.Registry, f)
	return f, err
}

// defaultPatience is most of the two seconds an admission review has for its lookups: what was known last must still get into the answer.
const defaultPatience = 1800 * time.Millisecond

// bridged is how long an outage may last for answers to be waited for through it: as long as a server takes that is replaced. In a longer one they wait
// only until one more attempt has failed, or every pod's creation would be late by all of the patience.
const bridged = 5 * time.Second

// Associated says whether an association is in effect for the account. Where that may be outdated it waits, within the context and the patience, until it
// is current again; current is false if that did not come, and associated is what was known last.
func (f *Follower) Associated(ctx context.Context, namespace, name string) (associated, current bool) {
	account := identity.ServiceAccount{Namespace: namespace, Name: name}
	associated, current, _, _ = f.look(account)
	if current {
		return associated, true
	}
	f.metrics.waits.Inc()
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Patience)
	defer cancel()
	failed := -1
	for {
		associated, current, failures, turn := f.look(account)
		if failed < 0 {
			failed = failures
		}
		if current || failures > failed && f.lasting() {
			return associated, current
		}
		select {
		case f.kick <- struct{}{}:
		default: // it will ask anyway
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return associated, false
		}
	}
}

func (f *Follower) look(account identity.ServiceAccount) (associated, current bool, failures int, turn <-chan struct{}) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	associated = f.set != nil && f.set.matches(account)
	return associated, f.set != nil && before(f.cfg.Now(), f.until), f.failures, f.turn
}

// before compares by both clocks: the monotonic one does not count what a machine sleeps, and the wall clock can be set back.
func before(now, until time.Time) bool {
	return now.Before(until) && now.Round(0).Before(until.Round(0))
}

// lasting reports whether this is more than a server being replaced.
func (f *Follower) lasting() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return !f.outage.IsZero() && f.cfg.Now().Sub(f.outage) > bridged
}

// Matching is Associated for those who need no current answer: what is known now, at once.
func (f *Follower) Matching(namespace, name string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.set != nil && f.set.matches(identity.ServiceAccount{Namespace: namespace, Name: name})
}

// Entries are the associations known now, in no order.
func (f *Follower) Entries() []identity.Globs {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.set == nil {
		return nil
	}
	return f.set.entries()
}

// Changed returns a channel that is closed at the next change of the set, the first snapshot included. Get it before you look.
func (f *Follower) Changed() <-chan struct{} {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.changed
}

// Ready is nil once there was a first snapshot, and from then on: a webhook that is cut off still has something to say.
func (f *Follower) Ready() error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.set == nil {
		return errors.New("the server's associations are not known yet")
	}
	return nil
}
