package install

import (
	"context"
	"errors"
	"fmt"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	release "helm.sh/helm/v4/pkg/release/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxHistory is how many revisions are kept to go back to.
const maxHistory = 10

// A FailedError says that an installation did not become ready, and what was done about it.
type FailedError struct {
	Revision   int
	Err        error // why
	RolledBack bool  // everything is again as it was before
	To         int   // the revision that is deployed again, 0 for none
	Rollback   error // what went wrong with that, too
}

func (e *FailedError) Error() string {
	text := fmt.Sprintf("revision %d failed: %v", e.Revision, e.Err)
	switch {
	case e.Rollback != nil:
		return text + fmt.Sprintf("\ngoing back failed, too: %v", e.Rollback)
	case e.RolledBack && e.To > 0:
		return text + fmt.Sprintf("\nrevision %d is deployed again", e.To)
	case e.RolledBack:
		return text + "\nwhat was installed was removed again"
	}
	return text + "\nit was left as it is"
}

func (e *FailedError) Unwrap() error { return e.Err }

// Apply does what was planned, and waits until it is ready. What fails is undone, unless the options say to keep it.
func (c *Cluster) Apply(ctx context.Context, p *Plan) (notes string, err error) {
	helm, err := c.helm(c.waiter(ctx))
	if err != nil {
		return "", err
	}
	chart, err := embedded(c.Version)
	if err != nil {
		return "", err
	}
	if err := c.makeNamespace(ctx); err != nil {
		return "", err
	}
	if p.current == nil {
		in := action.NewInstall(helm)
		in.ReleaseName, in.Namespace, in.Timeout, in.TakeOwnership = Release, Namespace, c.timeout(), p.options.TakeOwnership
		in.ForceConflicts = p.options.TakeOwnership
		_, err = in.RunWithContext(ctx, chart, p.options.Values)
	} else {
		up := action.NewUpgrade(helm)
		up.Namespace, up.Timeout, up.TakeOwnership, up.ResetValues, up.MaxHistory = Namespace, c.timeout(), p.options.TakeOwnership, true, maxHistory
		up.ForceConflicts = true // what is applied is what there is to be, whatever was edited since
		_, err = up.RunWithContext(ctx, Release, chart, p.options.Values)
	}
	if err == nil {
		return p.manifests.Notes, nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return "", c.undo(p, err)
}

// undo goes back to what was there before. It has time of its own: what went wrong may have been the time.
func (c *Cluster) undo(p *Plan, why error) error {
	out := &FailedError{Revision: p.Revision, Err: cause(why)}
	if p.options.KeepFailed {
		return out
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout()+time.Minute)
	defer cancel()
	last, err := c.last(ctx)
	switch {
	case err != nil:
		out.Rollback = err
	case last == nil || p.current == nil && last.Version < p.Revision:
		return out // it failed before there was anything to undo
	case p.current == nil:
		c.say("removing what was installed")
		if out.Rollback = c.uninstallRelease(ctx); out.Rollback == nil {
			out.Rollback = c.removeMade(ctx, &Removed{})
		}
	default:
		out.To, out.Rollback = c.rollBackTo(ctx, 0)
	}
	out.RolledBack = out.Rollback == nil
	return out
}

// cause is what went wrong without Helm's words about it, where we have our own.
func cause(err error) error {
	if late := (*NotReadyError)(nil); errors.As(err, &late) {
		return late
	}
	return err
}

// makeNamespace makes the namespace where there is none.
func (c *Cluster) makeNamespace(ctx context.Context) error {
	m, err := parseManifests(namespace, "")
	if err != nil {
		return err
	}
	client, err := c.resource(m.Objects[0])
	if err != nil {
		return err
	}
	_, err = client.Create(ctx, m.Objects[0].DeepCopy(), meta.CreateOptions{FieldManager: Release})
	return ignore(err, apierrors.IsAlreadyExists)
}

// mergeValues lays new values over old ones.
func mergeValues(old, more map[string]any) map[string]any { return loader.MergeMaps(old, more) }

// manifestOf is what a release consists of.
func manifestOf(rel *release.Release) ([]*unstructured.Unstructured, error) {
	m, err := parseManifests(rel.Manifest, "")
	if err != nil {
		return nil, err
	}
	return m.Objects, nil
}
