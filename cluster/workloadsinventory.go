package cluster

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/podpass/podpass/identity"
)

// Inventory is the workloads as they were when they were listed.
type Inventory struct {
	by     map[types.UID]*Workload
	owners map[types.UID]meta.OwnerReference // of those that have a controller themselves
	unread map[string]error                  // by kind
}

// All are in the order of namespace, kind and name.
func (i *Inventory) All() []*Workload {
	all := make([]*Workload, 0, len(i.by))
	for _, w := range i.by {
		all = append(all, w)
	}
	slices.SortFunc(all, Compare)
	return all
}

// Compare orders workloads by namespace, kind and name.
func Compare(a, b *Workload) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

// Using are those whose template names an account.
func (i *Inventory) Using(account identity.ServiceAccount) []*Workload {
	return slices.DeleteFunc(i.All(), func(w *Workload) bool {
		has, ok := w.ServiceAccount()
		return !ok || has != account
	})
}

// Named is the one of a kind and a name, nil where there is none.
func (i *Inventory) Named(kind, namespace, name string) *Workload {
	for _, w := range i.by {
		if w.Kind == kind && w.Namespace == namespace && w.Name == name {
			return w
		}
	}
	return nil
}

// Unread is why a kind could not be read, nil where it could.
func (i *Inventory) Unread(kind string) error { return i.unread[kind] }

// Of is what makes a pod: its topmost controller, as far as it is of Kubernetes' own kinds. Where nobody does, it is the pod itself.
func (i *Inventory) Of(pod *core.Pod) *Workload {
	if _, mirrored := pod.Annotations[core.MirrorPodAnnotationKey]; mirrored {
		return podAs(pod, Static)
	}
	owner := meta.GetControllerOf(pod)
	if owner == nil {
		return podAs(pod, Alone)
	}
	for {
		above, ok := i.owners[owner.UID]
		if !ok {
			break
		}
		owner = &above
	}
	if found := i.by[owner.UID]; found != nil {
		return found
	}
	return &Workload{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: pod.Namespace, Name: owner.Name, UID: owner.UID, Way: Foreign}
}

// podAs is a pod as its own workload. What somebody applied with kubectl is known without what admission added.
func podAs(pod *core.Pod, way Way) *Workload {
	return &Workload{
		APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, Way: way, Object: pod, Template: applied(pod),
	}
}

func (i *Inventory) add(w *Workload) {
	w.Namespace, w.Name, w.UID = w.Object.GetNamespace(), w.Object.GetName(), w.Object.GetUID()
	// A ReplicaSet is its Deployment's, or an Argo Rollout's, and is not itself restarted. A Deployment that an operator owns is.
	if owner := meta.GetControllerOf(w.Object); owner != nil && (w.Way == Remade || w.Way == Ends && owner.Kind == "CronJob") {
		i.owners[w.UID] = *owner
		return
	}
	i.by[w.UID] = w
}

// read lists the kinds one after the other; one that may not be read keeps none of the others away.
func (i *Inventory) read(ctx context.Context, kube kubernetes.Interface, namespace string) error {
	var unread []error
	for _, kind := range []struct {
		name string
		list func(meta.ListOptions) (string, error)
	}{
		{"Deployment", func(o meta.ListOptions) (string, error) {
			page, err := kube.AppsV1().Deployments(namespace).List(ctx, o)
			if err != nil {
				return "", err
			}
			return page.Continue, each(page.Items, deployment, i.add)
		}},
		{"ReplicaSet", func(o meta.ListOptions) (string, error) {
			page, err := kube.AppsV1().ReplicaSets(namespace).List(ctx, o)
			if err != nil {
				return "", err
			}
			return page.Continue, each(page.Items, replicaSet, i.add)
		}},
		{"StatefulSet", func(o meta.ListOptions) (string, error) {
			page, err := kube.AppsV1().StatefulSets(namespace).List(ctx, o)
			if err != nil {
				return "", err
			}
			return page.Continue, each(page.Items, statefulSet, i.add)
		}},
		{"DaemonSet", func(o meta.ListOptions) (string, error) {
			page, err := kube.AppsV1().DaemonSets(namespace).List(ctx, o)
			if err != nil {
				return "", err
			}
			return page.Continue, each(page.Items, daemonSet, i.add)
		}},
		{"ReplicationController", func(o meta.ListOptions) (string, error) {
			page, err := kube.CoreV1().ReplicationControllers(namespace).List(ctx, o)
			if err != nil {
				return "", err
			}
			return page.Continue, each(page.Items, replicationController, i.add)
		}},
		{"CronJob", func(o meta.ListOptions) (string, error) {
			page, err := kube.BatchV1().CronJobs(namespace).List(ctx, o)
			if err != nil {
				return "", err
			}
			return page.Continue, each(page.Items, cronJob, i.add)
		}},
		{"Job", func(o meta.ListOptions) (string, error) {
			page, err := kube.BatchV1().Jobs(namespace).List(ctx, o)
			if err != nil {
				return "", err
			}
			page.Items = slices.DeleteFunc(page.Items, func(j batch.Job) bool { return finished(&j) })
			return page.Continue, each(page.Items, job, i.add)
		}},
	} {
		if err := pages(ctx, meta.ListOptions{}, kind.list); err != nil {
			i.unread[kind.name] = err
			unread = append(unread, unreadKind(kind.name, err))
		}
	}
	return errors.Join(unread...)
}

func each[T any](items []T, workload func(*T) *Workload, add func(*Workload)) error {
	for i := range items {
		add(workload(&items[i]))
	}
	return nil
}
