package agent

import (
	"crypto/sha256"
	"time"
)

const (
	// leastLife is what credentials must have left to be handed out at all, as in the EKS agent.
	leastLife = 15 * time.Second
	// goodLife is what they must have left to be handed out while others can be had: SDKs that refresh earlier than others ask again with
	// every call below it (botocore).
	goodLife = 15 * time.Minute
	// renewalMargin is how long before their expiry credentials are renewed, at least: an outage may last that long before a pod sees less
	// than goodLife.
	renewalMargin = 20 * time.Minute
)

// entry is what a caller gets until it expires.
type entry struct {
	claim
	token       string // the caller's newest
	credentials *Credentials
	issued      time.Time // when they were obtained
	due         time.Time // when they are renewed, if they were asked for
	retry       time.Time // after a failure: before this no fetch tries again
	asked       bool      // since they were obtained; obtaining them counts
	stale       bool      // the association behind them may have changed
	flown       uint64    // number of the flight that brought them
}

// schedule sets when the entry is renewed. Credentials shorter than AWS gives them are renewed when a quarter of their life is over.
func (e *entry) schedule(retention time.Duration, jitter func(time.Duration) time.Duration) {
	life := e.credentials.Expiration.Sub(e.issued)
	wait := min(retention, life-min(max(renewalMargin, life/3), life*3/4))
	if wait <= 0 {
		e.due = e.issued
		return
	}
	e.due = e.issued.Add(wait - jitter(wait/10+1))
}

// good reports whether the credentials are handed out without trying for others. Where a whole life is hardly longer than goodLife, half of it
// is good: there is nothing better to be had.
func (e *entry) good(now time.Time) bool {
	floor := goodLife
	if life := e.credentials.Expiration.Sub(e.issued); life < renewalMargin {
		floor = life / 2
	}
	return !e.stale && e.left(now) >= floor
}

// usable reports whether the credentials may be handed out where nothing better can be had.
func (e *entry) usable(now time.Time) bool { return e.left(now) > leastLife }

func (e *entry) left(now time.Time) time.Duration { return e.credentials.Expiration.Sub(now) }

// renewable reports whether the entry is to be renewed when it is due.
func (e *entry) renewable(now time.Time) bool {
	return e.asked && now.Before(e.expiry) && e.usable(now)
}

// next is when a renewable entry wants to be renewed.
func (e *entry) next() time.Time {
	if e.retry.After(e.due) {
		return e.retry
	}
	return e.due
}

// adopt keeps the newest of a caller's tokens.
func (e *entry) adopt(c *caller) {
	if c.expiry.After(e.expiry) {
		e.token, e.expiry, e.signer = c.raw, c.expiry, c.signer
	}
}

// caller is the entry's, with its newest token.
func (e *entry) caller() *caller {
	return &caller{claim: e.claim, raw: e.token, hash: sha256.Sum256([]byte(e.token)), verified: true}
}
