package stsendpoint_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	client "k8s.io/client-go/testing"

	"github.com/podpass/podpass/stsendpoint"
)

func ready(pod *core.Pod) *core.Pod {
	pod.Status.Conditions = []core.PodCondition{{Type: core.PodReady, Status: core.ConditionTrue}}
	return pod
}

// Pods of a controller that nobody here knows go one at a time, too: the next when the one before has its successor.
func TestForeignControllersArePaced(t *testing.T) {
	rollout := &meta.ObjectMeta{Name: "canary", UID: "rollout"}
	rs := &apps.ReplicaSet{ObjectMeta: named("rs", "canary-1"), Spec: apps.ReplicaSetSpec{Template: templateOf()}}
	rs.OwnerReferences = podOf("", rollout, "Rollout").OwnerReferences
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, rs,
		ready(podOf("canary-1-a", rs, "ReplicaSet", with("regional")...)), ready(podOf("canary-1-b", rs, "ReplicaSet", with("regional")...)))
	pods := core.SchemeGroupVersion.WithResource("pods")
	shop.PrependReactor("create", "pods/eviction", func(action client.Action) (bool, runtime.Object, error) {
		of := action.(client.CreateActionImpl).Object.(*policy.Eviction)
		if of.Name == "canary-1-b" {
			if _, err := shop.Tracker().Get(pods, "shop", "canary-1-a-new"); err != nil {
				t.Error("the second pod goes although the first has no successor")
			}
		}
		time.AfterFunc(20*time.Millisecond, func() {
			_ = shop.Tracker().Create(pods, ready(podOf(of.Name+"-new", rs, "ReplicaSet", with("legacy")...)), "shop")
		})
		return true, nil, shop.Tracker().Delete(pods, of.Namespace, of.Name)
	})
	result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global, DeletePods: true})
	if err != nil || result.Confirmed != 2 {
		t.Errorf("%v, %+v", err, result)
	}
}

// What makes a pod may not be read: how it is replaced is not known then, and nothing is deleted.
func TestUnreadControllersAreLeft(t *testing.T) {
	web := &apps.Deployment{ObjectMeta: named("d", "web"), Spec: apps.DeploymentSpec{Template: templateOf()}}
	rs := &apps.ReplicaSet{ObjectMeta: named("rs", "web-1"), Spec: apps.ReplicaSetSpec{Template: templateOf()}}
	rs.OwnerReferences = podOf("", web, "Deployment").OwnerReferences
	for _, denied := range []string{"deployments", "replicasets"} {
		shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, web, rs, podOf("web-1-a", rs, "ReplicaSet", with("regional")...))
		shop.PrependReactor("list", denied, func(client.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: denied}, "", errors.New("not you"))
		})
		plan := stsendpoint.NewPlan(shop.read(t, shop.reader()), stsendpoint.Wish{Type: stsendpoint.Global, DeletePods: true})
		if len(plan.Steps) != 1 || plan.Steps[0].Action != stsendpoint.Leave || !strings.Contains(plan.Steps[0].Why, "could not be read") {
			t.Errorf("%s: %+v", denied, plan.Steps)
		}
	}
}

// The pods below a StatefulSet's partition go after its rollout, and not where that has failed.
func TestPartitionComesSecond(t *testing.T) {
	one := int32(1)
	store := &apps.StatefulSet{ObjectMeta: named("s", "store"), Spec: apps.StatefulSetSpec{Template: templateOf(), UpdateStrategy: apps.StatefulSetUpdateStrategy{RollingUpdate: &apps.RollingUpdateStatefulSetStrategy{Partition: &one}}}}
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, store, podOf("store-0", store, "StatefulSet", with("regional")...), podOf("store-1", store, "StatefulSet", with("regional")...))
	shop.live(t, node())
	shop.PrependReactor("patch", "statefulsets", func(client.Action) (bool, runtime.Object, error) {
		time.Sleep(20 * time.Millisecond)
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "statefulsets"}, "store", errors.New("not you"))
	})
	result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global, DeletePods: true})
	if got := shop.changes(); err != nil || result.Err() == nil || !slices.Equal(got, []string{"patch serviceaccounts", "patch statefulsets"}) {
		t.Errorf("%v, %q, %+v", err, got, result)
	}
	if len(result.Left) != 2 || !strings.Contains(result.Left[1], "what came before it has failed") {
		t.Errorf("%q", result.Left)
	}
}
