package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"helm.sh/helm/v4/pkg/action"
	rcommon "helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage/driver"
)

// Revision is a revision of the release.
type Revision struct {
	Revision    int       `json:"revision"`
	Updated     time.Time `json:"updated"`
	Status      string    `json:"status"`
	Version     string    `json:"version,omitempty"` // of podpass
	Image       string    `json:"image,omitempty"`
	Description string    `json:"description"`
}

// ErrNotInstalled says that there is no release.
var ErrNotInstalled = errors.New("podpass is not installed in this cluster, or not by podpass install")

// History are the revisions that can be gone back to, the oldest first.
func (c *Cluster) History(ctx context.Context) ([]Revision, error) {
	all, err := c.revisions(ctx)
	if err != nil {
		return nil, err
	}
	var out []Revision
	for _, rel := range all {
		r := Revision{Revision: rel.Version, Updated: rel.Info.LastDeployed, Status: rel.Info.Status.String(), Description: rel.Info.Description}
		if rel.Chart != nil && rel.Chart.Metadata != nil {
			r.Version = rel.Chart.Metadata.AppVersion
		}
		if m, err := parseManifests(rel.Manifest, ""); err == nil {
			for _, image := range m.Images() {
				r.Image = image
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func (c *Cluster) revisions(ctx context.Context) ([]*release.Release, error) {
	last, err := c.last(ctx)
	if err != nil {
		return nil, err
	}
	if last == nil {
		return nil, ErrNotInstalled
	}
	helm, err := c.helm(c.waiter(ctx))
	if err != nil {
		return nil, err
	}
	found, err := helm.Releases.History(Release)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, ErrNotInstalled
	}
	if err != nil {
		return nil, err
	}
	var out []*release.Release
	for _, f := range found {
		if rel, ok := f.(*release.Release); ok {
			out = append(out, rel)
		}
	}
	slices.SortFunc(out, func(a, b *release.Release) int { return cmp.Compare(a.Version, b.Version) })
	return out, nil
}

// A NoRevisionError says that there is nothing to go back to.
type NoRevisionError struct{ Revision int }

func (e *NoRevisionError) Error() string {
	if e.Revision == 0 {
		return "there is no earlier revision that was deployed"
	}
	return fmt.Sprintf("there is no revision %d", e.Revision)
}

// Rollback deploys an earlier revision again, and waits until it is ready: revision, or with 0 the one that was deployed before. It is a new
// revision, and works also where a change was ended before it was done.
func (c *Cluster) Rollback(ctx context.Context, revision int) (to int, err error) {
	return c.rollBackTo(ctx, revision)
}

func (c *Cluster) rollBackTo(ctx context.Context, revision int) (int, error) {
	all, err := c.revisions(ctx)
	if err != nil {
		return 0, err
	}
	target := target(all, revision)
	if target == 0 {
		return 0, &NoRevisionError{revision}
	}
	c.say("going back to revision %d", target)
	helm, err := c.helm(c.waiter(ctx))
	if err != nil {
		return 0, err
	}
	back := action.NewRollback(helm)
	back.Version, back.Timeout, back.MaxHistory, back.ForceConflicts = target, c.timeout(), maxHistory, true
	return target, cause(back.Run(Release))
}

// target is the revision to go back to, 0 if there is none. What never was ready is not gone back to unless it is asked for.
func target(all []*release.Release, revision int) int {
	latest := all[len(all)-1]
	for _, rel := range slices.Backward(all) {
		good := rel.Info.Status == rcommon.StatusDeployed || rel.Info.Status == rcommon.StatusSuperseded
		if revision == rel.Version || revision == 0 && rel != latest && good {
			return rel.Version
		}
	}
	return 0
}
