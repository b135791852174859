package install

import (
	"context"
	"errors"
	"fmt"

	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage/driver"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Options say how an installation goes.
type Options struct {
	Values Values
	// ReuseValues lays Values over those of the revision that is deployed.
	ReuseValues bool
	// BesideEKSAgent installs the agent although AWS's is there: on other nodes, or because that one is about to go.
	BesideEKSAgent bool
	// TakeOwnership makes objects of the same names part of the release that were applied without one.
	TakeOwnership bool
	// KeepFailed leaves what failed as it is, to be looked at, instead of going back.
	KeepFailed bool
}

// Plan is what an installation would do.
type Plan struct {
	Host       string     `json:"server"`
	Revision   int        `json:"revision"` // that it would be
	Images     []string   `json:"images"`
	Changes    []Change   `json:"changes"`
	Neighbours Neighbours `json:"neighbours"`
	Notes      []string   `json:"notes,omitempty"`

	manifests *Manifests
	current   *release.Release // nil: there is none
	options   Options
}

// A PendingError says that a change of the release has not ended: it runs elsewhere, or was killed.
type PendingError struct {
	Revision int
	Status   string
}

func (e *PendingError) Error() string {
	return fmt.Sprintf("revision %d is %s: another installation is at work, or was ended before it was done", e.Revision, e.Status)
}

// Plan finds out what an installation would do, and what forbids it. Nothing is changed.
func (c *Cluster) Plan(ctx context.Context, o Options) (*Plan, error) {
	p := &Plan{Host: c.Host(), Revision: 1, options: o}
	var err error
	if p.current, err = c.last(ctx); err != nil {
		return nil, err
	}
	if p.current != nil {
		if p.current.Info.Status.IsPending() {
			return nil, &PendingError{p.current.Version, p.current.Info.Status.String()}
		}
		p.Revision = p.current.Version + 1
		if o.ReuseValues {
			p.options.Values = Values(mergeValues(p.current.Config, o.Values))
		}
	}
	if p.manifests, err = Render(ctx, p.options.Values, c.Version); err != nil {
		return nil, err
	}
	p.Images = p.manifests.Images()
	if p.Neighbours, err = c.Neighbours(ctx); err != nil {
		return nil, err
	}
	agent := p.manifests.has("DaemonSet", "podpass-agent")
	if agent && p.Neighbours.AgentNodes > 0 && !o.BesideEKSAgent {
		return nil, &AgentTakenError{p.Neighbours}
	}
	if agent {
		if err := c.admitted(ctx); err != nil {
			return nil, err
		}
	}
	p.Notes = p.Neighbours.Notes(agent)
	if p.Changes, err = c.changes(ctx, p.manifests, o.TakeOwnership); err != nil {
		return nil, err
	}
	gone, err := p.deletions()
	p.Changes = append(p.Changes, gone...)
	return p, err
}

// Current reports whether there is a release already.
func (p *Plan) Current() bool { return p.current != nil }

// deletions are the objects of the release that is there which the new one does not have.
func (p *Plan) deletions() ([]Change, error) {
	if p.current == nil {
		return nil, nil
	}
	old, err := parseManifests(p.current.Manifest, "")
	if err != nil {
		return nil, err
	}
	var gone []Change
	for _, o := range old.Objects {
		kept := o.GetAnnotations()["helm.sh/resource-policy"] == "keep"
		if !kept && !p.manifests.hasIn(o.GetKind(), o.GetNamespace(), o.GetName()) {
			gone = append(gone, changeOf(Delete, o))
		}
	}
	return gone, nil
}

func (m *Manifests) has(kind, name string) bool {
	for _, o := range m.Objects {
		if o.GetKind() == kind && o.GetName() == name {
			return true
		}
	}
	return false
}

func (m *Manifests) hasIn(kind, namespace, name string) bool {
	for _, o := range m.Objects {
		if o.GetKind() == kind && o.GetNamespace() == namespace && o.GetName() == name {
			return true
		}
	}
	return false
}

// last is the latest revision, nil where there is none.
func (c *Cluster) last(ctx context.Context) (*release.Release, error) {
	// Helm's store takes no context, and without a namespace says there is no release: an API server that does not answer shows here.
	if _, err := c.client.CoreV1().Namespaces().Get(ctx, Namespace, meta.GetOptions{}); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	helm, err := c.helm(c.waiter(ctx))
	if err != nil {
		return nil, err
	}
	found, err := helm.Releases.Last(Release)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rel, ok := found.(*release.Release)
	if !ok {
		return nil, fmt.Errorf("release %s is a %T", Release, found)
	}
	return rel, nil
}
