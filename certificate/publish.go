package certificate

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
)

// A Publisher hands a CA bundle to the clients that are to trust it.
//
// Publish asks for the bundle after it has read what the place holds, and writes only if the place is still as it was read (compare and
// swap). So a replica that was late never puts an old bundle over a newer one: had the newer one been published before, the write would fail;
// if it is published after, it overwrites. Publish returns nil only once the bundle is where clients read it.
type Publisher interface {
	fmt.Stringer
	Publish(ctx context.Context, bundle func(context.Context) ([]byte, error)) error
	// Watch tells of changes to the place.
	Watch(ctx context.Context) (watch.Interface, error)
}

// publish returns once every place holds the Secret's bundle, be it s's or, if that is no longer the newest, a later one. What it then
// knows to be published is the CAs of s that are in all of them.
func (m *Manager) publish(ctx context.Context, s *state) error {
	common := s.bundle
	for _, p := range m.cfg.Publish {
		held, err := m.publishTo(ctx, p)
		if err != nil {
			return fmt.Errorf("the CA bundle could not be published to %s: %w", p, err)
		}
		common = common.and(held)
	}
	m.published = &common
	return nil
}

func (m *Manager) publishTo(ctx context.Context, p Publisher) (held bundle, err error) {
	current := func(ctx context.Context) ([]byte, error) {
		s, err := m.settle(ctx)
		if err != nil {
			return nil, err
		}
		held = s.bundle
		return s.bundle.pem(), nil
	}
	for {
		if err = p.Publish(ctx, current); !apierrors.IsConflict(err) || ctx.Err() != nil {
			return held, err
		}
	}
}

func (b bundle) and(other bundle) (both bundle) {
	for _, c := range b {
		if other.has(c) {
			both = append(both, c)
		}
	}
	return both
}
