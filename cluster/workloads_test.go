package cluster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	client "k8s.io/client-go/testing"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/identity"
)

func object(kind, name string, owner ...string) meta.ObjectMeta {
	m := meta.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(kind + " " + name)}
	if len(owner) == 2 {
		yes := true
		m.OwnerReferences = []meta.OwnerReference{{APIVersion: "x/v1", Kind: owner[0], Name: owner[1], UID: types.UID(owner[0] + " " + owner[1]), Controller: &yes}}
	}
	return m
}

func template(account string) core.PodTemplateSpec {
	return core.PodTemplateSpec{Spec: core.PodSpec{ServiceAccountName: account, Containers: []core.Container{{Name: "main"}}}}
}

// shop has one workload of each kind, and those that only look like one.
func shop() []runtime.Object {
	web, one := template("web"), int32(1)
	done := batch.JobStatus{Conditions: []batch.JobCondition{{Type: batch.JobComplete, Status: core.ConditionTrue}}}
	return []runtime.Object{
		&apps.Deployment{ObjectMeta: object("Deployment", "web"), Spec: apps.DeploymentSpec{Template: web}},
		&apps.Deployment{ObjectMeta: object("Deployment", "held"), Spec: apps.DeploymentSpec{Template: web, Paused: true}},
		&apps.Deployment{ObjectMeta: object("Deployment", "operated", "Operator", "op"), Spec: apps.DeploymentSpec{Template: template("other")}},
		&apps.ReplicaSet{ObjectMeta: object("ReplicaSet", "web-1", "Deployment", "web"), Spec: apps.ReplicaSetSpec{Template: web}},
		&apps.ReplicaSet{ObjectMeta: object("ReplicaSet", "canary-1", "Rollout", "canary"), Spec: apps.ReplicaSetSpec{Template: web}},
		&apps.ReplicaSet{ObjectMeta: object("ReplicaSet", "bare"), Spec: apps.ReplicaSetSpec{Template: web}},
		&core.ReplicationController{ObjectMeta: object("ReplicationController", "old"), Spec: core.ReplicationControllerSpec{Template: &web}},
		&apps.StatefulSet{ObjectMeta: object("StatefulSet", "store"), Spec: apps.StatefulSetSpec{Template: web, UpdateStrategy: apps.StatefulSetUpdateStrategy{RollingUpdate: &apps.RollingUpdateStatefulSetStrategy{Partition: &one}}}},
		&apps.StatefulSet{ObjectMeta: object("StatefulSet", "later"), Spec: apps.StatefulSetSpec{Template: template("other"), Ordinals: &apps.StatefulSetOrdinals{Start: 5}, UpdateStrategy: apps.StatefulSetUpdateStrategy{RollingUpdate: &apps.RollingUpdateStatefulSetStrategy{Partition: &one}}}},
		&apps.StatefulSet{ObjectMeta: object("StatefulSet", "all"), Spec: apps.StatefulSetSpec{Template: template("other"), Ordinals: &apps.StatefulSetOrdinals{Start: 5}}},
		&apps.StatefulSet{ObjectMeta: object("StatefulSet", "byhand"), Spec: apps.StatefulSetSpec{Template: web, UpdateStrategy: apps.StatefulSetUpdateStrategy{Type: apps.OnDeleteStatefulSetStrategyType}}},
		&apps.DaemonSet{ObjectMeta: object("DaemonSet", "node"), Spec: apps.DaemonSetSpec{Template: template("")}},
		&batch.CronJob{ObjectMeta: object("CronJob", "nightly"), Spec: batch.CronJobSpec{JobTemplate: batch.JobTemplateSpec{Spec: batch.JobSpec{Template: web}}}},
		&batch.Job{ObjectMeta: object("Job", "nightly-1", "CronJob", "nightly"), Spec: batch.JobSpec{Template: web}},
		&batch.Job{ObjectMeta: object("Job", "import"), Spec: batch.JobSpec{Template: web}},
		&batch.Job{ObjectMeta: object("Job", "imported"), Spec: batch.JobSpec{Template: web}, Status: done},
	}
}

func TestOwners(t *testing.T) {
	all, err := cluster.New(fake.NewClientset(shop()...), "").Workloads().Read(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	mirrored := &core.Pod{ObjectMeta: object("Pod", "etcd", "Node", "n")}
	mirrored.Annotations = map[string]string{core.MirrorPodAnnotationKey: "x"}
	for want, pod := range map[string]*core.Pod{
		"Deployment shop/web rolls":             {ObjectMeta: object("Pod", "web-1-x", "ReplicaSet", "web-1")},
		"Deployment shop/operated rolls":        {ObjectMeta: object("Pod", "operated-x", "Deployment", "operated")},
		"Rollout shop/canary foreign":           {ObjectMeta: object("Pod", "canary-1-x", "ReplicaSet", "canary-1")},
		"ReplicaSet shop/bare remade":           {ObjectMeta: object("Pod", "bare-x", "ReplicaSet", "bare")},
		"ReplicationController shop/old remade": {ObjectMeta: object("Pod", "old-x", "ReplicationController", "old")},
		"StatefulSet shop/store rolls":          {ObjectMeta: object("Pod", "store-0", "StatefulSet", "store")},
		"StatefulSet shop/byhand on-delete":     {ObjectMeta: object("Pod", "byhand-0", "StatefulSet", "byhand")},
		"DaemonSet shop/node rolls":             {ObjectMeta: object("Pod", "node-x", "DaemonSet", "node")},
		"CronJob shop/nightly scheduled":        {ObjectMeta: object("Pod", "nightly-1-x", "Job", "nightly-1")},
		"Job shop/import ends":                  {ObjectMeta: object("Pod", "import-x", "Job", "import")},
		"Pod shop/lone alone":                   {ObjectMeta: object("Pod", "lone")},
		"Pod shop/etcd static":                  mirrored,
		"Deployment shop/held paused":           {ObjectMeta: object("Pod", "held-x", "Deployment", "held")},
	} {
		of := all.Of(pod)
		if got := fmt.Sprintf("%s %s", of, of.Way); got != want {
			t.Errorf("%s: %s, want %s", pod.Name, got, want)
		}
	}
	for name, want := range map[string]int32{"store": 1, "later": 6, "all": 0} {
		if got := all.Named("StatefulSet", "shop", name).Partition; got != want {
			t.Errorf("%s: partition %d", name, got)
		}
	}
}

// Workloads without a single pod are found by their templates, and one kind that may not be read hides no other.
func TestUsing(t *testing.T) {
	kube := fake.NewClientset(shop()...)
	kube.PrependReactor("list", "daemonsets", func(client.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "daemonsets"}, "", errors.New("not you"))
	})
	found, err := cluster.New(kube, "").Workloads().Using(t.Context(), identity.ServiceAccount{Namespace: "shop", Name: "web"})
	var names []string
	for _, w := range found {
		names = append(names, w.Kind+" "+w.Name)
	}
	want := []string{"CronJob nightly", "Deployment held", "Deployment web", "Job import", "ReplicaSet bare", "ReplicationController old", "StatefulSet byhand", "StatefulSet store"}
	if !slices.Equal(names, want) || !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "DaemonSets could not be read") {
		t.Errorf("%q, %v", names, err)
	}
}

func TestRestart(t *testing.T) {
	kube := fake.NewClientset(shop()...)
	workloads := cluster.New(kube, "").Workloads()
	all, err := workloads.Read(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	conflicts := 2
	kube.PrependReactor("patch", "deployments", func(client.Action) (bool, runtime.Object, error) {
		if conflicts--; conflicts >= 0 {
			return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, "web", errors.New("it was changed"))
		}
		return false, nil, nil
	})
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	for _, kind := range []string{"Deployment web", "StatefulSet store", "DaemonSet node"} {
		kind, name, _ := strings.Cut(kind, " ")
		w := all.Named(kind, "shop", name)
		if begun, err := workloads.Restart(t.Context(), w, at); err != nil || !begun {
			t.Fatalf("%s: %v, %v", w, begun, err)
		}
		after, err := workloads.Read(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		now := after.Named(kind, "shop", name)
		if now.RestartedAt() != "2026-01-02T03:04:05.0000006Z" || now.Made(&core.Pod{}) || len(now.Template.Spec.Containers) != 1 {
			t.Errorf("%s: %+v", w, now.Template)
		}
		// Whoever read it before somebody restarted it does not restart it again.
		if begun, err := workloads.Restart(t.Context(), w, at.Add(time.Hour)); err != nil || begun {
			t.Errorf("%s again: %v, %v", w, begun, err)
		}
	}
	for name, want := range map[string]string{"Deployment held": "paused", "StatefulSet byhand": "no rollout", "ReplicaSet bare": "no rollout", "Job import": "no rollout"} {
		kind, name, _ := strings.Cut(name, " ")
		if begun, err := workloads.Restart(t.Context(), all.Named(kind, "shop", name), at); begun || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %s: %v, %v", kind, name, begun, err)
		}
	}
	if err := kube.AppsV1().Deployments("shop").Delete(t.Context(), "web", meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := workloads.Restart(t.Context(), all.Named("Deployment", "shop", "web"), at); !errors.Is(err, cluster.ErrReplaced) {
		t.Errorf("a deleted one: %v", err)
	}
}

func TestRollout(t *testing.T) {
	three := int32(3)
	available := []apps.DeploymentCondition{{Type: apps.DeploymentAvailable, Status: core.ConditionTrue}, {Type: apps.DeploymentProgressing, Status: core.ConditionTrue, Reason: "NewReplicaSetAvailable"}}
	late := []apps.DeploymentCondition{{Type: apps.DeploymentProgressing, Status: core.ConditionFalse, Reason: "ProgressDeadlineExceeded"}}
	for name, tc := range map[string]struct {
		generation int64
		status     apps.DeploymentStatus
		want       cluster.Rollout
	}{
		"not seen yet": {2, apps.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, Conditions: available}, cluster.Rollout{Message: "its controller has not seen the change yet"}},
		"half-way":     {1, apps.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 1, ReadyReplicas: 3, AvailableReplicas: 3, Conditions: available}, cluster.Rollout{Message: "Updated: 1/3"}},
		"done":         {1, apps.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, Conditions: available}, cluster.Rollout{Done: true, Message: "Deployment is available. Replicas: 3"}},
		"stuck":        {1, apps.DeploymentStatus{ObservedGeneration: 1, Replicas: 4, UpdatedReplicas: 1, Conditions: late}, cluster.Rollout{Failed: true, Message: "Progress deadline exceeded"}},
	} {
		d := &apps.Deployment{ObjectMeta: object("Deployment", "web"), Spec: apps.DeploymentSpec{Replicas: &three, ProgressDeadlineSeconds: &three, Template: template("web")}, Status: tc.status}
		d.Generation = tc.generation
		workloads := cluster.New(fake.NewClientset(d), "").Workloads()
		all, err := workloads.Read(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := workloads.Rollout(t.Context(), all.Named("Deployment", "shop", "web")); err != nil || got != tc.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
