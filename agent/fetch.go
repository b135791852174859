package agent

import (
	"context"
	"time"
)

const (
	// patience is how long a fetch waits for newer credentials while older ones can still be handed out: below every SDK's time-out for one
	// attempt, the shortest of which is 1 s.
	patience = 800 * time.Millisecond
	// longestWait is how long a fetch waits at all: longer than any SDK but those that would wait for ever.
	longestWait = 10 * time.Second
)

// outcome is how a fetch was answered, for the metrics.
type outcome string

const (
	hit      outcome = "hit"      // from the cache, at once
	miss     outcome = "miss"     // from the backend
	renewed  outcome = "renewed"  // from the backend, though there were older ones
	fallback outcome = "fallback" // older ones, as the backend did not answer (in time)
	refused  outcome = "refused"
	failed   outcome = "failed"
	left     outcome = "left" // the client did, before there was an answer
)

// fetch is what a caller gets: cached, or obtained now.
func (a *Agent) fetch(ctx context.Context, c *caller) (*Credentials, outcome, *Error) {
	a.mu.Lock()
	if c.verified {
		if err := a.overRoles(&c.claim); err != nil {
			a.mu.Unlock()
			return nil, refused, err
		}
	}
	if e := a.usable(c); e != nil {
		now := a.cfg.Now()
		if e.good(now) || now.Before(e.retry) {
			credentials := e.credentials
			how := hit
			if !e.good(now) {
				how = fallback
			}
			a.ask(e, now)
			a.mu.Unlock()
			return credentials, how, nil
		}
		e.asked = true
		if f, err := a.join(e.caller()); err == nil { // with the newest of the pod's tokens, which may not be this one
			a.mu.Unlock()
			credentials, refusal := a.wait(ctx, f, patience)
			if credentials != nil {
				return credentials, renewed, nil
			}
			if refusal != nil && refusal.Final() {
				return nil, refused, refusal
			}
			a.mu.Lock()
		}
		// What was there may have been dropped while the flight was waited for; then there is nothing to fall back on.
		if e = a.usable(c); e != nil {
			credentials := e.credentials
			a.mu.Unlock()
			return credentials, fallback, nil
		}
	}
	if r, ok := a.refused.get(c.flight()); ok && a.cfg.Now().Before(r.until) {
		a.mu.Unlock()
		return nil, refused, r.err
	}
	f, err := a.join(c)
	a.mu.Unlock()
	if err != nil {
		return nil, failed, err
	}
	credentials, err := a.wait(ctx, f, longestWait)
	switch {
	case credentials != nil:
		return credentials, miss, nil
	case ctx.Err() != nil:
		return nil, left, unavailable("Request was given up", "the client closed the connection")
	case err == nil:
		return nil, failed, unavailable("Credentials could not be obtained in time",
			"the service behind the agent has not answered in "+longestWait.String()+"; ask again")
	case err.Final():
		return nil, refused, err
	}
	return nil, failed, err
}

// usable is the caller's entry, if it may be handed out. It needs the lock.
func (a *Agent) usable(c *caller) *entry {
	if !c.verified {
		return nil
	}
	e, ok := a.entries.get(c.slot)
	if !ok || !e.usable(a.cfg.Now()) {
		return nil
	}
	e.adopt(c)
	return e
}

// ask notes that an entry is in use. One that was due and not asked for is renewed now.
func (a *Agent) ask(e *entry, now time.Time) {
	if !e.asked && !now.Before(e.next()) {
		a.poke()
	}
	e.asked = true
}

// wait is for what a flight brings: nothing at all if it takes too long, or the client leaves.
func (a *Agent) wait(ctx context.Context, f *flight, longest time.Duration) (*Credentials, *Error) {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	defer func() {
		a.mu.Lock()
		a.leave(f)
		a.mu.Unlock()
	}()
	select {
	case <-f.done:
		return f.credentials, f.err
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil, nil
}
