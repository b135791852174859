package oidc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// look is how often Run looks at the clusters: a rotation asked for through any replica is carried on by every other.
const look = 30 * time.Second

// Rotator keeps the keys of hosted clusters on their schedule. Store, Now and Random are required.
type Rotator struct {
	Store    *store.Store
	Now      func() time.Time
	Random   io.Reader
	Schedule Schedule
	Logger   *slog.Logger // default: none
}

// Run does what is due, until ctx ends. Every replica may run it: each step is a compare-and-swap. A step that fails is logged and tried
// again, because the keys in use go on working meanwhile.
func (r *Rotator) Run(ctx context.Context) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		if err := r.Step(ctx); err != nil && ctx.Err() == nil && r.Logger != nil {
			r.Logger.Error("rotating issuer keys", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// Step does what is due now for every hosted cluster. It returns the first failure, after having tried all of them.
func (r *Rotator) Step(ctx context.Context) error {
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	now := r.Now()
	for name, c := range r.Store.Clusters.List("", "") {
		if c.Keys != store.KeysHosted {
			continue
		}
		if r.Schedule.Due(c, now) {
			if _, err := Rotate(ctx, r.Store, name, now, r.Random); err != nil {
				note(err)
			}
			continue // the new key signs later
		}
		if r.Schedule.Next(c, now).After(now) {
			continue
		}
		_, err := r.Store.Clusters.Update(ctx, name, func(old *store.Cluster) (*store.Cluster, error) {
			if old != nil {
				r.Schedule.Advance(old, now)
			}
			return old, nil
		})
		if err != nil {
			note(fmt.Errorf("cluster %s: %w", name, err))
		}
	}
	return first
}

// NewKey makes a key for a hosted cluster.
func NewKey(random io.Reader, now time.Time) (store.SigningKey, error) {
	key, err := token.NewSigningKey(random)
	if err != nil {
		return store.SigningKey{}, err
	}
	pem, err := key.MarshalPEM()
	if err != nil {
		return store.SigningKey{}, err
	}
	return store.SigningKey{ID: key.ID, PEM: string(pem), Created: now}, nil
}

// Rotate publishes a new key for a hosted cluster now, ahead of its schedule; a Rotator lets it sign after the publication delay. It
// returns when every replica publishes it. A rotation already under way is left to finish. The cluster's record is returned.
func Rotate(ctx context.Context, s *store.Store, cluster string, now time.Time, random io.Reader) (*store.Cluster, error) {
	key, err := NewKey(random, now)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: making a key: %w", cluster, err)
	}
	c, err := s.Clusters.Update(ctx, cluster, func(old *store.Cluster) (*store.Cluster, error) {
		if old == nil || old.Keys != store.KeysHosted {
			return nil, fmt.Errorf("cluster %s is not hosted here", cluster)
		}
		Publish(old, key)
		return old, nil
	})
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", cluster, err)
	}
	return c, nil
}
