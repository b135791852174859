package associations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/podpass/podpass/api"
)

const (
	longest         = 20                     // seconds the server is asked to hold a request; a member's it answers after a third of its lease
	snapshotTimeout = 10 * time.Second       // for the whole set
	pollTimeout     = 2 * time.Second        // for one that is to be answered at once
	firstPause      = 100 * time.Millisecond // after a round in which no server answered; doubled after each
	longestPause    = 5 * time.Second
	shortestPause   = 250 * time.Millisecond // where somebody waits for an answer
	idlePause       = 50 * time.Millisecond  // after an answer that came at once and brought nothing
)

// position is how far the follower is in what the server tells.
type position struct {
	revision int64
	lease    time.Duration // as last granted; 0: none
	server   int           // index of the one to ask
	failed   int           // how many were asked since one answered
	pause    time.Duration
	said     string // the error that was logged last
}

// Run follows until the context is done. A request is on its way all the time, but for the pause after a round in which no server answered.
func (f *Follower) Run(ctx context.Context) error {
	at := position{pause: firstPause}
	for ctx.Err() == nil {
		hold := at.revision > 0 && f.fresh()
		sent := f.cfg.Now()
		result, err := f.poll(ctx, &at, hold)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			f.failed(ctx, &at, err)
			continue
		}
		f.metrics.polls.WithLabelValues("answered").Inc()
		f.apply(result, sent)
		if at.said != "" {
			f.cfg.Log.Info("associations are followed again")
		}
		idle := hold && !result.Reset && len(result.Changes) == 0 && f.cfg.Now().Sub(sent) < idlePause
		at = position{revision: result.Revision, lease: leaseOf(result), server: at.server, pause: firstPause}
		if idle {
			f.sleep(ctx, idlePause)
		}
	}
	return ctx.Err()
}

func leaseOf(r *api.WatchAssociationsResult) time.Duration {
	return time.Duration(r.LeaseSeconds * float64(time.Second))
}

// poll asks one server. One that is to hold the request does so for a third of the lease; one that has not been heard after three quarters must not be
// waited for: another one is asked.
func (f *Follower) poll(ctx context.Context, at *position, hold bool) (*api.WatchAssociationsResult, error) {
	in := &api.WatchAssociationsRequest{Cluster: f.cfg.Cluster, Revision: at.revision, Snapshot: true, Member: f.cfg.Member}
	timeout := pollTimeout
	switch {
	case at.revision == 0:
		timeout = snapshotTimeout
	case hold:
		in.WaitSeconds, timeout = longest, at.lease*3/4
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	result, err := f.cfg.Servers[at.server].WatchAssociations(ctx, in)
	switch {
	case err != nil:
		return nil, err
	case leaseOf(result) <= 0 || result.Revision <= 0:
		return nil, errors.New("the server does not say for how long its answer is good: it is no podpass server of this version")
	case at.revision == 0 && !result.Reset:
		return nil, errors.New("the server does not give the whole set: it is no podpass server of this version")
	case result.Revision < at.revision && !result.Reset:
		return nil, fmt.Errorf("the server went back from revision %d to %d", at.revision, result.Revision)
	}
	return result, nil
}

// failed goes on to the next server; where none is left, it tells those who wait, and pauses.
func (f *Follower) failed(ctx context.Context, at *position, err error) {
	f.metrics.polls.WithLabelValues(outcome(err)).Inc()
	if text := strings.Join(strings.Fields(err.Error()), " "); text != at.said { // once, not for as long as it lasts
		f.cfg.Log.Warn("associations cannot be followed", "error", text)
		at.said = text
	}
	at.server = (at.server + 1) % len(f.cfg.Servers)
	at.failed++
	if at.failed%len(f.cfg.Servers) != 0 {
		return
	}
	f.mu.Lock()
	f.failures++
	if f.outage.IsZero() {
		f.outage = f.cfg.Now()
	}
	f.advance()
	f.mu.Unlock()
	f.rest(ctx, at.pause/2+f.cfg.Jitter(at.pause/2))
	at.pause = min(at.pause*2, longestPause)
}

func outcome(err error) string {
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status < 500 {
		return "refused"
	}
	return "failed"
}

// apply makes an answer what is known. Its lease counts from when the request was sent: the server's from when it arrived.
func (f *Follower) apply(r *api.WatchAssociationsResult, sent time.Time) {
	var whole *set
	if r.Reset {
		whole = newSet(r.Changes) // before the lock: it may be long
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case whole != nil:
		f.set = whole
	default:
		for _, c := range r.Changes {
			f.set.apply(c)
		}
	}
	f.until, f.outage = sent.Add(leaseOf(r)), time.Time{}
	f.advance()
	if whole != nil || len(r.Changes) > 0 {
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// advance wakes those who wait for an answer to become current; f.mu is held.
func (f *Follower) advance() {
	close(f.turn)
	f.turn = make(chan struct{})
}

func (f *Follower) fresh() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return before(f.cfg.Now(), f.until)
}

// rest pauses, for less if somebody waits.
func (f *Follower) rest(ctx context.Context, pause time.Duration) {
	short := min(pause, shortestPause)
	f.sleep(ctx, short)
	timer := time.NewTimer(pause - short)
	defer timer.Stop()
	select {
	case <-f.kick:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (f *Follower) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
