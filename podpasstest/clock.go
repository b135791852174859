package podpasstest

import (
	"sync"
	"time"
)

// Clock is the authority's clock. It runs with the machine's until it is moved. Signatures made by SDKs carry the machine's time: a
// clock moved by more than 15 minutes makes the authority refuse them. Safe for concurrent use; the zero value is the machine's time.
type Clock struct {
	mu      sync.Mutex
	offset  time.Duration
	stopped time.Time
}

// Now is the authority's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped.IsZero() {
		return c.stopped
	}
	return time.Now().Add(c.offset)
}

// Stop stands the clock still at a time.
func (c *Clock) Stop(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = at
}

// Advance moves the clock, stopped or not; negative is back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	if !c.stopped.IsZero() {
		c.stopped = c.stopped.Add(d)
	}
}

// Reset lets the clock run with the machine's again.
func (c *Clock) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.stopped = 0, time.Time{}
}
