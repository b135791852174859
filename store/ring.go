package store

import (
	"context"
	"errors"
	"time"

	"github.com/podpass/podpass/session"
)

// ringKey is the key of the one ring record.
const ringKey = "sessions"

// keepRetired is how long a ring key outlives its retirement: the longest session, and an hour for the clocks of replicas to differ in and
// for the last of them to see the new key.
const keepRetired = session.MaxDuration + time.Hour

// Ring is the current key ring (an immutable snapshot). There is always one: Open makes the first.
func (s *Store) Ring() *session.Ring {
	r, _ := s.rings.Get(ringKey)
	return r
}

// RotateRing publishes a new key, waits until every live lease has seen it, then makes it the active one. Keys whose last session has
// expired are dropped on the way. Of two rotations at once both succeed, and the later one's key is the active one.
func (s *Store) RotateRing(ctx context.Context) error {
	var id string
	_, err := s.rings.Update(ctx, ringKey, func(r *session.Ring) (*session.Ring, error) {
		if r == nil {
			return nil, errors.New("the store has no key ring")
		}
		r, err := r.Prune(s.now(), keepRetired)
		if err != nil {
			return nil, err
		}
		r, id, err = r.Publish(s.random, s.now())
		return r, err
	})
	if err != nil {
		return err
	}
	// Update has returned: every replica opens what the new key seals.
	if _, err = s.rings.Update(ctx, ringKey, func(r *session.Ring) (*session.Ring, error) {
		if r == nil {
			return nil, errors.New("the store has no key ring")
		}
		return r.Activate(id, s.now())
	}); err != nil {
		return err
	}
	return s.DropExpiredRevocations(ctx)
}

// ensureRing makes the first ring; of two servers that start at once, one makes it.
func (s *Store) ensureRing(ctx context.Context) error {
	if s.Ring() != nil {
		return nil
	}
	_, err := s.rings.Update(ctx, ringKey, func(r *session.Ring) (*session.Ring, error) {
		if r != nil {
			return r, nil
		}
		return session.NewRing(s.random, s.now())
	})
	return err
}
