package install

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"helm.sh/helm/v4/pkg/action"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What podpass makes while it runs, which no release knows of. State is what cannot be made anew: roles, associations, keys, the first administrator.
var (
	madeConfigMaps = []string{"podpass-accounts", "podpass-ca"} // in any namespace
	madeSecrets    = []string{"podpass-server-certificate", "podpass-webhook-certificate"}
	madeLeases     = []string{"podpass-guard"}
	stateClaims    = []string{"podpass-server"}
	stateSecrets   = []string{"podpass-administrator"}
)

// managedBy is on everything podpass makes while it runs.
const managedBy = "app.kubernetes.io/managed-by"

// admission are the kinds of objects the API server asks before it admits something. They go first: while nobody answers them, pods are refused.
var admission = []string{"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"}

// Removed is what an uninstallation took away, and what of podpass's it left.
type Removed struct {
	Objects []Change `json:"removed"`
	Kept    []string `json:"kept,omitempty"`
}

// Uninstall removes podpass: the webhook configuration and the policy first, then the rest of the release, and when its pods are gone what they had
// made. It can be called again where it was interrupted.
func (c *Cluster) Uninstall(ctx context.Context, deleteState bool) (*Removed, error) {
	rel, err := c.last(ctx)
	if err != nil {
		return nil, err
	}
	out := &Removed{}
	if rel == nil {
		return c.removeLeftovers(ctx, deleteState)
	}
	objects, err := manifestOf(rel)
	if err != nil {
		return nil, err
	}
	if err := c.removeAdmission(ctx, objects, out); err != nil {
		return out, err
	}
	c.say("removing server, webhook and agent")
	if err := c.uninstallRelease(ctx); err != nil {
		return out, err
	}
	for _, o := range objects {
		if !slices.Contains(admission, o.GetKind()) && o.GetAnnotations()["helm.sh/resource-policy"] != "keep" {
			out.Objects = append(out.Objects, changeOf(Delete, o))
		}
	}
	return out, errors.Join(c.removeMade(ctx, out), c.removeState(ctx, deleteState, out))
}

// removeLeftovers is for a cluster with no release: an uninstallation was interrupted, or kept the state. What runs without a release was applied by
// other means, and is not taken its secrets away.
func (c *Cluster) removeLeftovers(ctx context.Context, deleteState bool) (*Removed, error) {
	pods, err := c.client.CoreV1().Pods(Namespace).List(ctx, meta.ListOptions{LabelSelector: ours})
	if err != nil {
		return nil, err
	}
	if len(pods.Items) > 0 {
		return nil, ErrNotInstalled
	}
	out := &Removed{}
	err = errors.Join(c.removeMade(ctx, out), c.removeState(ctx, deleteState, out))
	if err == nil && len(out.Objects) == 0 {
		return out, ErrNotInstalled
	}
	return out, err
}

// removeAdmission deletes what asks podpass, and waits until it is gone.
func (c *Cluster) removeAdmission(ctx context.Context, objects []*unstructured.Unstructured, out *Removed) error {
	for _, kind := range admission {
		for _, o := range objects {
			if o.GetKind() != kind {
				continue
			}
			if err := c.remove(ctx, o, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes an object of the release, and leaves one of the same name alone that isn't.
func (c *Cluster) remove(ctx context.Context, o *unstructured.Unstructured, out *Removed) error {
	client, err := c.resource(o)
	if err != nil {
		return err
	}
	what := changeOf(Delete, o)
	there, err := client.Get(ctx, o.GetName(), meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if owner := owner(there); owner != "" {
		out.Kept = append(out.Kept, what.String()+", "+owner)
		return nil
	}
	c.say("removing %s", what)
	uid := there.GetUID()
	if err := client.Delete(ctx, o.GetName(), meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &uid}}); ignore(err, apierrors.IsNotFound) != nil {
		return err
	}
	out.Objects = append(out.Objects, what)
	return nil
}

// uninstallRelease removes the release and its history.
func (c *Cluster) uninstallRelease(ctx context.Context) error {
	helm, err := c.helm(c.waiter(ctx))
	if err != nil {
		return err
	}
	un := action.NewUninstall(helm)
	un.Timeout, un.DeletionPropagation = c.timeout(), "background"
	_, err = un.Run(Release)
	return err
}

// removeMade deletes what podpass made while it ran. It comes after its pods, which would make it again.
func (c *Cluster) removeMade(ctx context.Context, out *Removed) error {
	var problems []error
	for _, name := range madeConfigMaps {
		found, err := c.client.CoreV1().ConfigMaps("").List(ctx, meta.ListOptions{FieldSelector: "metadata.name=" + name, LabelSelector: managedBy + "=" + Release})
		if err != nil {
			return err
		}
		for _, m := range found.Items {
			problems = append(problems, c.removeOwn(ctx, "ConfigMap", m.Namespace, m.Name, out))
		}
	}
	for _, name := range madeSecrets {
		problems = append(problems, c.removeOwn(ctx, "Secret", Namespace, name, out))
	}
	for _, name := range madeLeases {
		problems = append(problems, c.removeOwn(ctx, "Lease", Namespace, name, out))
	}
	return errors.Join(problems...)
}

// removeState deletes state, or says that it is still there.
func (c *Cluster) removeState(ctx context.Context, really bool, out *Removed) error {
	var problems []error
	for kind, names := range map[string][]string{"PersistentVolumeClaim": stateClaims, "Secret": stateSecrets} {
		for _, name := range names {
			if really {
				problems = append(problems, c.removeOwn(ctx, kind, Namespace, name, out))
				continue
			}
			there, err := c.own(ctx, kind, Namespace, name)
			problems = append(problems, err)
			if there != nil {
				out.Kept = append(out.Kept, Change{Delete, kind, Namespace, name}.String())
			}
		}
	}
	slices.Sort(out.Kept)
	if really {
		problems = append(problems, c.removeNamespace(ctx, out))
	}
	return errors.Join(problems...)
}

var kinds = map[string]schema.GroupVersionResource{
	"ConfigMap":             {Version: "v1", Resource: "configmaps"},
	"Secret":                {Version: "v1", Resource: "secrets"},
	"PersistentVolumeClaim": {Version: "v1", Resource: "persistentvolumeclaims"},
	"Lease":                 {Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
}

// own is an object that podpass or its release has made, nil if there is none or it is somebody else's. A Lease carries no mark, for client-go makes it.
func (c *Cluster) own(ctx context.Context, kind, namespace, name string) (*unstructured.Unstructured, error) {
	o, err := c.objects.Resource(kinds[kind]).Namespace(namespace).Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return nil, ignore(err, apierrors.IsNotFound)
	}
	if o.GetDeletionTimestamp() != nil {
		return nil, nil // it is going already
	}
	if kind == "Lease" || o.GetLabels()[managedBy] == Release || owner(o) == "" {
		return o, nil
	}
	return nil, nil
}

func (c *Cluster) removeOwn(ctx context.Context, kind, namespace, name string, out *Removed) error {
	o, err := c.own(ctx, kind, namespace, name)
	if err != nil || o == nil {
		return err
	}
	uid := o.GetUID()
	err = c.objects.Resource(kinds[kind]).Namespace(namespace).Delete(ctx, name, meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &uid}})
	if err != nil {
		return ignore(err, apierrors.IsNotFound)
	}
	out.Objects = append(out.Objects, Change{Delete, kind, namespace, name})
	return nil
}

// removeNamespace deletes the namespace where podpass made it and nobody else has anything in it.
func (c *Cluster) removeNamespace(ctx context.Context, out *Removed) error {
	ns, err := c.client.CoreV1().Namespaces().Get(ctx, Namespace, meta.GetOptions{})
	if err != nil {
		return ignore(err, apierrors.IsNotFound)
	}
	if ns.Labels[managedBy] != Release {
		out.Kept = append(out.Kept, "Namespace "+Namespace+", which podpass did not make")
		return nil
	}
	others, err := c.others(ctx)
	if err != nil {
		return err
	}
	if others != "" {
		out.Kept = append(out.Kept, fmt.Sprintf("Namespace %s, in which there is %s", Namespace, others))
		return nil
	}
	uid := ns.GetUID()
	if err := c.client.CoreV1().Namespaces().Delete(ctx, Namespace, meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &uid}}); err != nil {
		return ignore(err, apierrors.IsNotFound)
	}
	out.Objects = append(out.Objects, Change{Delete, "Namespace", "", Namespace})
	return c.waiter(ctx).gone(ctx, "namespace "+Namespace, func() (bool, error) {
		_, err := c.client.CoreV1().Namespaces().Get(ctx, Namespace, meta.GetOptions{})
		return apierrors.IsNotFound(err), ignore(err, apierrors.IsNotFound)
	})
}

// others is something in the namespace that neither podpass nor Kubernetes put there, "" if there is nothing. It looks at everything that can be
// listed.
func (c *Cluster) others(ctx context.Context) (string, error) {
	resources, err := c.getter.discovery.ServerPreferredNamespacedResources()
	if err != nil {
		return "", err
	}
	for _, list := range resources {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return "", err
		}
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "list") || !slices.Contains(r.Verbs, "delete") || r.Kind == "Event" {
				continue
			}
			found, err := c.objects.Resource(gv.WithResource(r.Name)).Namespace(Namespace).List(ctx, meta.ListOptions{})
			if err != nil {
				return "", err
			}
			for _, o := range found.Items {
				if !byKubernetes(&o) && o.GetDeletionTimestamp() == nil {
					return r.Kind + " " + o.GetName(), nil
				}
			}
		}
	}
	return "", nil
}

// byKubernetes reports whether an object is one that every namespace has, or that a controller keeps for another.
func byKubernetes(o *unstructured.Unstructured) bool {
	switch o.GetKind() {
	case "ConfigMap":
		return o.GetName() == "kube-root-ca.crt"
	case "ServiceAccount":
		return o.GetName() == "default"
	case "Endpoints": // follow their Service
		return true
	}
	return len(o.GetOwnerReferences()) > 0
}
