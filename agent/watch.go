package agent

import (
	"context"
	"errors"
	"time"

	"github.com/podpass/podpass/api"
)

// AssociationWatcher is an *api.Client.
type AssociationWatcher interface {
	WatchAssociations(ctx context.Context, in *api.WatchAssociationsRequest) (*api.WatchAssociationsResult, error)
}

const (
	watchSeconds = 20                     // as long as the server holds a request
	watchTimeout = 30 * time.Second       // an answer that comes later is none
	watchBackoff = 500 * time.Millisecond // after the first failure; doubled after each
	watchSlowest = 5 * time.Second        // so that a deletion is known within 10 s of the server's return
	watchAtLeast = 100 * time.Millisecond // between two requests that brought nothing
)

// FollowAssociations forgets the credentials of deleted associations, and asks again for those of changed ones, as the server behind the agent
// tells of them, until the context is done. It takes no part in the write barrier: changes are acknowledged without waiting for the nodes.
func (a *Agent) FollowAssociations(ctx context.Context, server AssociationWatcher) error {
	revision, backoff, said, unknown := a.followedTo(0), watchBackoff, "", false
	for ctx.Err() == nil {
		began := a.cfg.Now()
		result, err := a.watchOnce(ctx, server, revision)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if text := oneLine(err.Error()); text != said { // once, not for as long as it lasts
				a.cfg.Logger.Warn("associations cannot be watched", "error", text)
				said = text
			}
			if gone(err) && !unknown {
				a.AllAssociationsChanged() // the watch may have ended before it told of all of them, or before it began
				revision, unknown = 0, true
			}
			sleep(ctx, backoff/2+a.cfg.Jitter(backoff/2))
			backoff = min(backoff*2, watchSlowest)
			continue
		}
		if said != "" {
			a.cfg.Logger.Info("associations are watched again")
		}
		backoff, said, unknown = watchBackoff, "", false
		if result.Reset {
			a.AllAssociationsChanged()
		}
		for _, c := range result.Changes {
			a.AssociationChanged(c.Namespace, c.ServiceAccount, c.Deleted)
		}
		if result.Revision == revision && len(result.Changes) == 0 && a.cfg.Now().Sub(began) < watchAtLeast {
			sleep(ctx, watchAtLeast)
		}
		revision = a.followedTo(result.Revision)
	}
	return ctx.Err()
}

// followedTo notes that the changes up to a revision have been applied, 0 for no news, and says up to which they have.
func (a *Agent) followedTo(revision int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if revision != 0 {
		a.followed = revision
	}
	return a.followed
}

// gone reports whether a server says that it does not have the cluster.
func gone(err error) bool {
	var refused *api.Error
	return errors.As(err, &refused) && refused.Code == api.CodeNotFound
}

func (a *Agent) watchOnce(ctx context.Context, server AssociationWatcher, revision int64) (*api.WatchAssociationsResult, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	return server.WatchAssociations(ctx, &api.WatchAssociationsRequest{Cluster: a.cfg.Cluster, Revision: revision, WaitSeconds: watchSeconds})
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
