package stsendpoint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podpass/podpass/stsendpoint"
)

const restarted = "kubectl.kubernetes.io/restartedAt"

func named(kind, name string) meta.ObjectMeta {
	return meta.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(kind + "-" + name)}
}

// What becomes of each kind of workload whose pods have the wrong value, with and without --delete-pods.
func TestStepsOfWorkloads(t *testing.T) {
	one := int32(1)
	rolls := daemonSet("rolls")
	under := daemonSet("under-way")
	under.Spec.Template.Annotations = map[string]string{restarted: "now"}
	halfWay := daemonSet("half-way")
	halfWay.Spec.Template.Annotations = map[string]string{restarted: "now"}
	early := podOf("half-way-new", halfWay, "DaemonSet", with("legacy")...)
	early.Annotations = map[string]string{restarted: "now"}
	onDelete := daemonSet("by-hand")
	onDelete.Spec.UpdateStrategy.Type = apps.OnDeleteDaemonSetStrategyType
	paused := &apps.Deployment{ObjectMeta: named("d", "paused"), Spec: apps.DeploymentSpec{Template: templateOf(), Paused: true}}
	pausedRS := &apps.ReplicaSet{ObjectMeta: named("rs", "paused-1")}
	pausedRS.OwnerReferences = podOf("", paused, "Deployment").OwnerReferences
	store := &apps.StatefulSet{ObjectMeta: named("s", "store"), Spec: apps.StatefulSetSpec{Template: templateOf(), UpdateStrategy: apps.StatefulSetUpdateStrategy{RollingUpdate: &apps.RollingUpdateStatefulSetStrategy{Partition: &one}}}}
	bare := &apps.ReplicaSet{ObjectMeta: named("rs", "bare"), Spec: apps.ReplicaSetSpec{Template: templateOf()}}
	job := &batch.Job{ObjectMeta: named("j", "import"), Spec: batch.JobSpec{Template: templateOf()}}
	nightly := &batch.CronJob{ObjectMeta: named("c", "nightly"), Spec: batch.CronJobSpec{JobTemplate: batch.JobTemplateSpec{Spec: batch.JobSpec{Template: templateOf()}}}}
	run := &batch.Job{ObjectMeta: named("j", "nightly-1"), Spec: batch.JobSpec{Template: templateOf()}}
	run.OwnerReferences = podOf("", nightly, "CronJob").OwnerReferences
	rollout := &meta.ObjectMeta{Name: "canary", UID: "rollout"}
	mirrored := podOf("etcd", nil, "", with("legacy")...)
	mirrored.Annotations = map[string]string{"kubernetes.io/config.mirror": "x"}
	ended := podOf("ended", nil, "", with("legacy")...)
	ended.Status.Phase = "Succeeded"
	old := with("legacy")
	objects := []runtime.Object{
		rolls, under, halfWay, onDelete, paused, pausedRS, store, bare, job, nightly, run,
		podOf("rolls-1", rolls, "DaemonSet", old...), podOf("rolls-2", rolls, "DaemonSet", with("regional")...), podOf("under-way-1", under, "DaemonSet", old...),
		podOf("half-way-old", halfWay, "DaemonSet", old...), early, podOf("by-hand-1", onDelete, "DaemonSet", old...),
		podOf("paused-1-1", pausedRS, "ReplicaSet", old...), podOf("store-0", store, "StatefulSet", old...), podOf("store-1", store, "StatefulSet", old...),
		podOf("bare-1", bare, "ReplicaSet", old...), podOf("import-1", job, "Job", old...), podOf("nightly-1-1", run, "Job", old...),
		podOf("canary-1", rollout, "Rollout", old...), podOf("lone", nil, "", old...), mirrored, ended,
	}
	want := map[string][2]string{ // without and with --delete-pods
		"DaemonSet rolls rolls-1":                      {"restart", "restart"},
		"DaemonSet under-way under-way-1":              {"wait", "wait"},
		"DaemonSet half-way half-way-new half-way-old": {"restart", "restart"},
		"DaemonSet by-hand by-hand-1":                  {"leave", "evict"},
		"Deployment paused paused-1-1":                 {"leave", "leave"},
		"StatefulSet store store-1":                    {"restart", "restart"},
		"StatefulSet store store-0":                    {"leave", "evict"},
		"ReplicaSet bare bare-1":                       {"leave", "evict"},
		"Job import import-1":                          {"leave", "evict"},
		"CronJob nightly nightly-1-1":                  {"leave", "leave"},
		"Rollout canary canary-1":                      {"leave", "evict"},
		"Pod lone lone":                                {"leave", "evict"},
	}
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role, stsendpoint.Annotation: "true"}, objects...)
	s := shop.read(t, shop.reader())
	for i, deletes := range []bool{false, true} {
		plan := stsendpoint.NewPlan(s, stsendpoint.Wish{Type: stsendpoint.Regional, DeletePods: deletes})
		if len(plan.Steps) != len(want) || len(plan.Refusals) != 0 || plan.Accounts[0].Changes {
			t.Errorf("%+v", plan)
		}
		for _, step := range plan.Steps {
			key := fmt.Sprintf("%s %s %s", step.Kind, step.Name, strings.Join(step.Pods, " "))
			if got := want[key][i]; got != string(step.Action) || step.IfNeeded || step.Why == "" {
				t.Errorf("%s: %s, want %q: %s", key, step.Action, got, step.Why)
			}
		}
	}
}

// What is refused, what is only warned of, and what --anyway makes of it.
func TestRefusals(t *testing.T) {
	closed := &stsendpoint.Network{VPC: "vpc-1", Closed: true, STS: true}
	down := func(string, bool) (string, bool) { return "", false }
	global := func(string, bool) (string, bool) { return "global", true }
	nothing := func(string, bool) (string, bool) { return "", true }
	for name, tc := range map[string]struct {
		version  string
		wish     stsendpoint.Wish
		extra    map[string]string // annotations
		region   string
		network  *stsendpoint.Network
		give     func(string, bool) (string, bool)
		own      bool
		refusals []string
		warnings []string
	}{
		"fine":                       {wish: stsendpoint.Wish{Type: "global"}},
		"too old":                    {version: "v1.17.1-eks-1", wish: stsendpoint.Wish{Type: "regional"}, refusals: []string{"ClusterTooOld"}},
		"too old, default":           {version: "v1.17.1-eks-1", wish: stsendpoint.Wish{Type: "default"}},
		"platform not known":         {version: "v1.21.1-eks-1", wish: stsendpoint.Wish{Type: "regional"}, warnings: []string{"ClusterTooOld"}},
		"GovCloud":                   {wish: stsendpoint.Wish{Type: "global", Anyway: true}, region: "us-gov-west-1", refusals: []string{"NoGlobalEndpoint"}},
		"GovCloud, regional":         {wish: stsendpoint.Wish{Type: "regional"}, region: "us-gov-west-1"},
		"not among the sixteen":      {wish: stsendpoint.Wish{Type: "global"}, region: "eu-south-1", warnings: []string{"NoGlobalEndpoint"}},
		"private":                    {wish: stsendpoint.Wish{Type: "global"}, network: closed, refusals: []string{"GlobalUnreachable"}},
		"private, anyway":            {wish: stsendpoint.Wish{Type: "global", Anyway: true}, network: closed, warnings: []string{"GlobalUnreachable"}},
		"private, regional":          {wish: stsendpoint.Wish{Type: "regional"}, network: closed},
		"private without endpoint":   {wish: stsendpoint.Wish{Type: "regional"}, network: &stsendpoint.Network{Closed: true}, warnings: []string{"RegionalUnreachable"}},
		"Argo's":                     {wish: stsendpoint.Wish{Type: "global"}, extra: map[string]string{"argocd.argoproj.io/tracking-id": "shop:/ServiceAccount:shop/web"}, warnings: []string{"Managed"}},
		"Argo's, as it is":           {wish: stsendpoint.Wish{Type: "regional"}, extra: map[string]string{"argocd.argoproj.io/tracking-id": "shop:x", stsendpoint.Annotation: "true"}},
		"webhook down":               {wish: stsendpoint.Wish{Type: "regional"}, give: down, refusals: []string{"NotInjected"}},
		"webhook down, anyway":       {wish: stsendpoint.Wish{Type: "regional", Anyway: true}, give: down, warnings: []string{"NotInjected"}},
		"no role":                    {wish: stsendpoint.Wish{Type: "regional"}, extra: map[string]string{roleKey: ""}, refusals: []string{"NotInjected"}},
		"gives global":               {wish: stsendpoint.Wish{Type: "global"}, extra: map[string]string{stsendpoint.Annotation: "false"}, give: global, refusals: []string{"RejectedValue"}},
		"gives nothing for global":   {wish: stsendpoint.Wish{Type: "global"}, extra: map[string]string{stsendpoint.Annotation: "false"}, give: nothing, warnings: []string{"GlobalNotInjected"}},
		"gives nothing for regional": {wish: stsendpoint.Wish{Type: "regional"}, extra: map[string]string{stsendpoint.Annotation: "true"}, give: nothing, refusals: []string{"NotInjected"}},
		"its own beats it":           {wish: stsendpoint.Wish{Type: "regional"}, own: true, refusals: []string{"OwnVariable"}, warnings: []string{"OwnVariable"}},
	} {
		annotations := map[string]string{roleKey: role}
		for key, value := range tc.extra {
			annotations[key] = value
		}
		ds := daemonSet("node")
		if tc.own {
			ds = daemonSet("node", v(stsendpoint.Variable, "regional"))
		}
		env := with("regional")
		if tc.region != "" {
			env = in(tc.region, "regional")
		}
		if tc.version == "" {
			tc.version = "v1.31.2-eks-1"
		}
		shop := newShop(t, tc.version, annotations, ds, podOf("node-1", ds, "DaemonSet", env...))
		if tc.give != nil {
			shop.give = tc.give
		}
		s := shop.read(t, shop.reader())
		s.World.Network = tc.network
		plan := stsendpoint.NewPlan(s, tc.wish)
		if !slices.Equal(codes(plan.Refusals), append([]string{}, tc.refusals...)) || !slices.Equal(codes(plan.Warnings), append([]string{}, tc.warnings...)) {
			t.Errorf("%s: refused %+v, warned %+v", name, plan.Refusals, plan.Warnings)
		}
	}
}

// Where it is not known what a webhook makes of an annotation, pods that seem to fit may have to be made anew as well, and whoever agrees is told.
func TestRestartsIfNeeded(t *testing.T) {
	ds := daemonSet("node")
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("")...))
	shop.give = func(string, bool) (string, bool) { return "", true }
	for typ, ifNeeded := range map[stsendpoint.Type]bool{stsendpoint.Global: true, stsendpoint.Regional: false} {
		plan := stsendpoint.NewPlan(shop.read(t, shop.reader()), stsendpoint.Wish{Type: typ})
		if len(plan.Steps) != 1 || plan.Steps[0].Action != stsendpoint.Restart || plan.Steps[0].IfNeeded != ifNeeded {
			t.Errorf("%s: %+v", typ, plan.Steps)
		}
	}
}
