package token

import (
	"context"
	"crypto"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Source finds a verification key.
type Source interface {
	// Key is an issuer's public key for a kid and an algorithm. A token without a kid ("") gets a key only if exactly one is for the
	// algorithm. The error is an *Error with UnknownKey or KeysUnavailable.
	Key(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error)
}

// Publisher is a Source that can show all its keys, as Static and Refreshing can.
type Publisher interface {
	Source
	// Set is the key set that Key finds keys in. The error is an *Error with UnknownKey or KeysUnavailable.
	Set(ctx context.Context) (*KeySet, error)
}

// Static is a pinned key set.
func Static(ks *KeySet) Publisher { return ks }

// Fetch gets a key set from where it lives.
type Fetch func(ctx context.Context) (*KeySet, error)

// How a Refreshing source paces itself.
const (
	refreshAfter = 60 * time.Second // older keys are not used without another try
	refreshAhead = 50 * time.Second // from here on a request refreshes in the background, so that a busy source never makes one wait
	retryAfter   = 10 * time.Second // between two fetches, whatever asked for them
	fetchTimeout = 5 * time.Second
)

// Refreshing keeps a fetched key set for 60 s: a key its issuer has withdrawn is refused from the next fetch on. While the issuer can't be
// reached the last good keys stand, and it is tried every 10 s. An unknown kid fetches again, at most once in 10 s however many ask, and
// callers join a fetch under way. A fetch outlives the caller that began it: one client that hangs up must not fail the others.
func Refreshing(fetch Fetch, now func() time.Time) Publisher {
	s := &refreshing{fetch: fetch, now: now}
	s.state.Store(&fetched{err: errors.New("not fetched yet")})
	return s
}

type refreshing struct {
	fetch  Fetch
	now    func() time.Time
	state  atomic.Pointer[fetched]
	flight singleflight.Group
}

// fetched is what the latest fetch has left.
type fetched struct {
	keys  *KeySet   // of the latest fetch that worked; nil if none has
	tried time.Time // when the latest fetch began
	err   error     // of the latest fetch
}

func (s *refreshing) Key(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error) {
	state, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	key, err := state.keys.Key(ctx, kid, algorithm)
	if err == nil || s.now().Sub(state.tried) < retryAfter {
		return key, err
	}
	if state, err = s.refresh(ctx); err != nil {
		return nil, err
	}
	return state.keys.Key(ctx, kid, algorithm)
}

// Set makes it a Publisher.
func (s *refreshing) Set(ctx context.Context) (*KeySet, error) {
	state, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return state.keys, nil
}

// current is a state that has keys and is young enough.
func (s *refreshing) current(ctx context.Context) (*fetched, error) {
	state := s.state.Load()
	var err error
	switch age := s.now().Sub(state.tried); {
	case age >= refreshAfter, age >= retryAfter && state.keys == nil:
		state, err = s.refresh(ctx)
	case age >= retryAfter && state.err != nil, age >= refreshAhead:
		s.flight.DoChan("", s.fetchOnce)
	}
	if err != nil {
		return nil, err
	}
	if state.keys == nil {
		return nil, &Error{Reason: KeysUnavailable, Detail: "issuer's keys could not be fetched: " + state.err.Error()}
	}
	return state, nil
}

// refresh waits for a fetch, its own or the one under way.
func (s *refreshing) refresh(ctx context.Context) (*fetched, error) {
	select {
	case r := <-s.flight.DoChan("", s.fetchOnce):
		return r.Val.(*fetched), nil
	case <-ctx.Done():
		return nil, &Error{Reason: KeysUnavailable, Detail: "caller left while the issuer's keys were fetched: " + ctx.Err().Error()}
	}
}

// fetchOnce runs one at a time. It looks at the clock again, because its caller may have decided to fetch just before another fetch ended.
func (s *refreshing) fetchOnce() (any, error) {
	before, began := s.state.Load(), s.now()
	if began.Sub(before.tried) < retryAfter {
		return before, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	after := &fetched{keys: before.keys, tried: began}
	if keys, err := s.fetch(ctx); err != nil {
		after.err = err
	} else {
		after.keys = keys
	}
	s.state.Store(after)
	return after, nil
}
