package agent

import (
	"context"
	"time"

	"github.com/podpass/podpass/token"
)

// sweepEvery is how often expired entries are dropped.
const sweepEvery = time.Minute

// renew renews what is due, one at a time and no more often than MaxQPS, and never in a place a fetch is waiting for.
func (a *Agent) renew(ctx context.Context) {
	spacing := time.Second / time.Duration(a.cfg.MaxQPS)
	var last, swept time.Time
	for {
		now := a.cfg.Now()
		if now.Sub(swept) >= sweepEvery {
			a.sweep(now)
			swept = now
		}
		wait := sweepEvery
		if soon := last.Add(spacing).Sub(now); soon > 0 {
			wait = soon
		} else {
			var began bool
			if began, wait = a.renewOne(now); began {
				last, wait = now, spacing
			}
		}
		timer := time.NewTimer(min(wait, sweepEvery))
		select {
		case <-timer.C:
		case <-a.wake:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// renewOne begins the renewal of what has been due longest, or says when something will be.
func (a *Agent) renewOne(now time.Time) (began bool, wait time.Duration) {
	const whenBusy = 100 * time.Millisecond
	a.mu.Lock()
	defer a.mu.Unlock()
	var first *entry
	a.entries.each(func(key digest, e *entry) {
		if e.renewable(now) && a.flights[key] == nil && (first == nil || e.next().Before(first.next())) {
			first = e
		}
	})
	switch {
	case first == nil:
		return false, sweepEvery
	case first.next().After(now):
		return false, first.next().Sub(now)
	case a.running >= a.cfg.MaxInFlight:
		return false, whenBusy
	}
	a.metrics.renewals.Inc()
	a.begin(first.caller(), true)
	return true, 0
}

// sweep drops what has expired.
func (a *Agent) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries.removeIf(func(e *entry) bool { return !e.usable(now) })
	a.refused.removeIf(func(r refusal) bool { return !now.Before(r.until) })
	a.known.removeIf(func(k known) bool { return !now.Before(k.expiry.Add(token.Leeway)) })
}

// poke has the loop look again.
func (a *Agent) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}
