package cluster

import (
	"context"
	"fmt"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/podpass/podpass/identity"
)

// Way is how the pods of a workload come to be replaced by new ones.
type Way string

// The ways.
const (
	Rolls     Way = "rolls"     // a restart of the workload replaces them, as its strategy has it
	Paused    Way = "paused"    // the rollout of the Deployment is paused: nothing replaces them until it is resumed
	OnDelete  Way = "on-delete" // the update strategy leaves deleting them to others, and makes each anew
	Remade    Way = "remade"    // a pod that is deleted is made anew by the ReplicaSet or ReplicationController, which knows no rollout
	Ends      Way = "ends"      // a Job's: they run until they have done their work; one that is deleted is tried again, as the Job's back-off allows
	Scheduled Way = "scheduled" // a CronJob's: its next run has new ones
	Alone     Way = "alone"     // nobody makes them anew
	Static    Way = "static"    // the kubelet's, from a file of its node: neither admission nor deletion reaches them
	Foreign   Way = "foreign"   // a controller's that is not one of Kubernetes' own, or that may not be read
)

// Workload is what makes pods, or one pod that nobody makes. Only what is said of each Way can be relied on.
type Workload struct {
	APIVersion, Kind, Namespace, Name string
	UID                               types.UID
	Way                               Way
	Object                            meta.Object           // nil where it was not read
	Template                          *core.PodTemplateSpec // of its pods; nil where it is not known
	Partition                         int32                 // of a StatefulSet that rolls: pods with a lower ordinal are not replaced
}

func (w *Workload) String() string { return w.Kind + " " + w.Namespace + "/" + w.Name }

// ServiceAccount is the one its template names.
func (w *Workload) ServiceAccount() (identity.ServiceAccount, bool) {
	if w.Template == nil {
		return identity.ServiceAccount{}, false
	}
	return identity.ServiceAccount{Namespace: w.Namespace, Name: AccountOf(&w.Template.Spec)}, true
}

// RestartedAt is what the last restart left in the template; pods carry it too, and so tell whether they were made before it. "" where there was none.
func (w *Workload) RestartedAt() string {
	if w.Template == nil {
		return ""
	}
	return w.Template.Annotations[restartedAt]
}

// Made reports whether a pod was made from the template as it is since its last restart.
func (w *Workload) Made(pod *core.Pod) bool { return pod.Annotations[restartedAt] == w.RestartedAt() }

// AccountOf is the name of a pod's service account, which admission makes "default" where none is given.
func AccountOf(spec *core.PodSpec) string {
	switch {
	case spec.ServiceAccountName != "":
		return spec.ServiceAccountName
	case spec.DeprecatedServiceAccount != "":
		return spec.DeprecatedServiceAccount
	}
	return "default"
}

// Workloads are what makes the pods of a cluster.
type Workloads struct{ kube kubernetes.Interface }

// Workloads reads workloads and restarts them.
func (c *Client) Workloads() Workloads { return Workloads{c.kube} }

// Using lists the workloads of a namespace whose template names a service account, those without a single pod included. Those of Kubernetes' own kinds,
// that is; pods that nobody made, and those of other controllers, are found by Pods. What a kind could not be read for is in the error, beside those of
// the kinds that could.
func (w Workloads) Using(ctx context.Context, account identity.ServiceAccount) ([]*Workload, error) {
	all, err := w.Read(ctx, account.Namespace)
	return all.Using(account), err
}

// Read lists all workloads of a namespace, or of all where it is "". Where the error is that a kind may not be read, the others are there nevertheless.
func (w Workloads) Read(ctx context.Context, namespace string) (*Inventory, error) {
	i := &Inventory{by: map[types.UID]*Workload{}, owners: map[types.UID]meta.OwnerReference{}, unread: map[string]error{}}
	return i, i.read(ctx, w.kube, namespace)
}

func deployment(d *apps.Deployment) *Workload {
	way := Rolls
	if d.Spec.Paused {
		way = Paused
	}
	return &Workload{APIVersion: "apps/v1", Kind: "Deployment", Way: way, Object: d, Template: &d.Spec.Template}
}

func statefulSet(s *apps.StatefulSet) *Workload {
	w := &Workload{APIVersion: "apps/v1", Kind: "StatefulSet", Way: Rolls, Object: s, Template: &s.Spec.Template}
	if s.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType {
		w.Way = OnDelete
	} else if r := s.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		w.Partition = *r.Partition
		if o := s.Spec.Ordinals; o != nil && w.Partition > 0 {
			w.Partition += o.Start // the partition counts pods, from the one with the first ordinal on
		}
	}
	return w
}

func daemonSet(d *apps.DaemonSet) *Workload {
	way := Rolls
	if d.Spec.UpdateStrategy.Type == apps.OnDeleteDaemonSetStrategyType {
		way = OnDelete
	}
	return &Workload{APIVersion: "apps/v1", Kind: "DaemonSet", Way: way, Object: d, Template: &d.Spec.Template}
}

func replicaSet(r *apps.ReplicaSet) *Workload {
	return &Workload{APIVersion: "apps/v1", Kind: "ReplicaSet", Way: Remade, Object: r, Template: &r.Spec.Template}
}

func replicationController(r *core.ReplicationController) *Workload {
	return &Workload{APIVersion: "v1", Kind: "ReplicationController", Way: Remade, Object: r, Template: r.Spec.Template}
}

func job(j *batch.Job) *Workload {
	return &Workload{APIVersion: "batch/v1", Kind: "Job", Way: Ends, Object: j, Template: &j.Spec.Template}
}

func cronJob(c *batch.CronJob) *Workload {
	return &Workload{APIVersion: "batch/v1", Kind: "CronJob", Way: Scheduled, Object: c, Template: &c.Spec.JobTemplate.Spec.Template}
}

// finished reports whether a Job makes no further pods.
func finished(j *batch.Job) bool {
	for _, c := range j.Status.Conditions {
		if (c.Type == batch.JobComplete || c.Type == batch.JobFailed) && c.Status == core.ConditionTrue {
			return true
		}
	}
	return false
}

func unreadKind(kind string, err error) error {
	return fmt.Errorf("%ss could not be read: %w", kind, err)
}
