package install

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// Helm's marks of an object that belongs to a release.
const (
	releaseName      = "meta.helm.sh/release-name"
	releaseNamespace = "meta.helm.sh/release-namespace"
)

// A ConflictError says that objects of the names podpass uses exist and are not its own.
type ConflictError struct{ Objects []string }

func (e *ConflictError) Error() string {
	return "there is already, and not by this release:\n" + strings.Join(e.Objects, "\n")
}

// An Action is what becomes of an object.
type Action string

// What becomes of objects. Whether an update changes anything is for the API server to say.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Change is an object and what becomes of it.
type Change struct {
	Action    Action `json:"action"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

func (c Change) String() string {
	return c.Kind + " " + strings.TrimPrefix(c.Namespace+"/", "/") + c.Name
}

func changeOf(action Action, o *unstructured.Unstructured) Change {
	return Change{action, o.GetKind(), o.GetNamespace(), o.GetName()}
}

// resource is where objects of the kind of o are.
func (c *Cluster) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if apimeta.IsNoMatchError(err) {
		return nil, fmt.Errorf("%s: this cluster has no %s %s", o.GetName(), gvk.GroupVersion(), gvk.Kind)
	}
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == apimeta.RESTScopeNameNamespace {
		return c.objects.Resource(mapping.Resource).Namespace(o.GetNamespace()), nil
	}
	return c.objects.Resource(mapping.Resource), nil
}

// changes compares what is to be with what there is. With adopt the release may take over what nobody else's release has.
func (c *Cluster) changes(ctx context.Context, m *Manifests, adopt bool) ([]Change, error) {
	var changes []Change
	conflict := &ConflictError{}
	for _, o := range m.Objects {
		client, err := c.resource(o)
		if err != nil {
			return nil, err
		}
		there, err := client.Get(ctx, o.GetName(), meta.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			changes = append(changes, changeOf(Create, o))
			continue
		case err != nil:
			return nil, err
		case o.GetKind() == "Namespace":
			continue // is never changed, only made
		}
		if owner := owner(there); owner != "" && !(adopt && owner == nobody) {
			conflict.Objects = append(conflict.Objects, changeOf(Update, o).String()+", "+owner)
		}
		changes = append(changes, changeOf(Update, o))
	}
	if len(conflict.Objects) > 0 {
		return nil, conflict
	}
	return changes, nil
}

const nobody = "which no release has made"

// owner says whose an object is, "" where it is this release's.
func owner(o *unstructured.Unstructured) string {
	name, ns := o.GetAnnotations()[releaseName], o.GetAnnotations()[releaseNamespace]
	switch {
	case name == Release && ns == Namespace:
		return ""
	case name != "":
		return fmt.Sprintf("of Helm's release %s in %s", name, ns)
	}
	return nobody
}
