package upstream

import (
	"sync"
	"time"
)

// An endpoint that failed is set aside: at first briefly, and for longer each time it is tried and fails again.
const (
	firstPause = 5 * time.Second
	maxPause   = time.Minute
)

// health says which endpoint of a list is asked next. Safe for concurrent use.
type health struct {
	now   func() time.Time
	mu    sync.Mutex
	state []condition
}

// condition of one endpoint. The zero value is that nothing is wrong with it.
type condition struct {
	pause   time.Duration // 0: it answers, as far as is known
	until   time.Time     // end of the pause
	probing bool          // one call is trying it after its pause, and no other does
}

// turn is one endpoint's in one call.
type turn struct {
	index int
	trial bool // the one call that finds out whether the endpoint is back
	part  int  // how much of the time left is its, in parts of parts
	parts int
}

// weights of an endpoint that answers, and of one that lately didn't: what is left of the caller's patience is for those that may use it well.
const (
	goodWeight  = 3
	asideWeight = 1
)

// verdict is what a call learned about an endpoint. The zero value is nothing: the caller left, or the fault was ours.
type verdict int

const (
	unknown verdict = iota
	answered
	failed
)

// next picks among the endpoints a call hasn't asked yet: in the order of the list, but those set aside last. One whose pause is over counts
// as good for the first call that comes, which alone tries it.
func (h *health) next(asked []bool) turn {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	t := turn{index: -1}
	aside := -1
	for i := range h.state {
		if asked[i] {
			continue
		}
		s := &h.state[i]
		good := s.pause == 0
		due := !good && !s.probing && !now.Before(s.until)
		weight := asideWeight
		if good {
			weight = goodWeight
		}
		t.parts += weight
		switch {
		case t.index < 0 && (good || due):
			t.index, t.trial, t.part = i, due, weight
		case aside < 0:
			aside = i
		}
	}
	if t.index < 0 {
		t.index, t.part = aside, asideWeight
	}
	if t.trial {
		h.state[t.index].probing = true
	}
	return t
}

// settle draws the conclusion. Many calls may fail at once at an endpoint that breaks: it is set aside once, and its pause grows only when
// the trial after it fails.
func (h *health) settle(t turn, v verdict) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.state[t.index]
	if t.trial {
		s.probing = false
	}
	switch {
	case v == answered:
		s.pause = 0
	case v == failed && (t.trial || s.pause == 0):
		s.pause = min(max(2*s.pause, firstPause), maxPause)
		s.until = h.now().Add(s.pause)
	}
}
