package stsendpoint_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	client "k8s.io/client-go/testing"

	"github.com/podpass/podpass/stsendpoint"
)

var agent = []core.EnvVar{v("AWS_STS_REGIONAL_ENDPOINTS", "regional"), v("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"), v("AWS_REGION", "us-west-2")}

// wroteAt has the account say when its annotation was written; the tracker keeps its own time.
func (s *shop) wroteAt(t *testing.T, at time.Time) {
	t.Helper()
	when := meta.NewTime(at)
	managed := []meta.ManagedFieldsEntry{{
		Manager: "podpass", Time: &when, FieldsV1: meta.NewFieldsV1(`{"f:metadata":{"f:annotations":{"f:` + stsendpoint.Annotation + `":{}}}}`),
	}}
	s.PrependReactor("get", "serviceaccounts", func(client.Action) (bool, runtime.Object, error) {
		sa := s.account(t).DeepCopy()
		sa.ManagedFields = managed
		return true, sa, nil
	})
}

// Pods that have an identity through an association, or of a role whose annotation has gone, are not restarted while the webhook gives none.
func TestIdentityIsNotLost(t *testing.T) {
	for name, env := range map[string][]core.EnvVar{"Pod Identity": agent, "IRSA": with("regional")} {
		ds := node()
		shop := newShop(t, "v1.31.2", nil, ds, podOf("node-1", ds, "DaemonSet", env...), podOf("lone", nil, "", env...))
		shop.live(t, ds)
		if got := stsendpoint.NewPlan(shop.read(t, shop.reader()), stsendpoint.Wish{Type: stsendpoint.Global}).Refusals; !slices.Equal(codes(got), []string{"NotInjected"}) {
			t.Errorf("%s: %+v", name, got)
		}
		result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global, DeletePods: true, Anyway: true})
		if err != nil || len(result.Left) != 2 || !strings.Contains(result.Left[0], "a new one would be given none") {
			t.Errorf("%s: %v, %+v", name, err, result)
		}
		if got := shop.changes(); !slices.Equal(got, []string{"patch serviceaccounts"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
	ds := node() // its own manifest configures it: a restart takes nothing away
	ds.Spec.Template.Spec.Containers[0].Env = irsa
	shop := newShop(t, "v1.31.2", nil, ds, podOf("node-1", ds, "DaemonSet", irsa...))
	if got := stsendpoint.NewPlan(shop.read(t, shop.reader()), stsendpoint.Wish{Type: stsendpoint.Global}); !slices.Equal(codes(got.Refusals), []string{"OwnVariable"}) || !slices.Contains(codes(got.Warnings), "NoRole") {
		t.Errorf("%+v", got)
	}
}

// A webhook that goes down between the dry run and the restart is not a success.
func TestLostIdentityIsNotConfirmed(t *testing.T) {
	ds := node()
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("regional")...))
	shop.live(t, ds)
	shop.PrependReactor("patch", "daemonsets", func(client.Action) (bool, runtime.Object, error) {
		shop.give = func(string, bool) (string, bool) { return "", false }
		return false, nil, nil
	})
	result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global})
	if err != nil || len(result.Pods) != 1 || result.Confirmed != 0 || !strings.Contains(result.Pods[0].Why, "no identity") {
		t.Errorf("%v, %+v", err, result)
	}
}

// Other webhooks add what they like to the pod of a dry run, which asks for no user: clusters have ranges of them.
func TestDryRunThatOthersChange(t *testing.T) {
	settings := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: "settings"}, Data: map[string]string{"type": "legacy"}}
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, podOf("lone", nil, "", with("regional")...), settings)
	shop.PrependReactor("create", "pods", func(action client.Action) (bool, runtime.Object, error) {
		pod := action.(client.CreateActionImpl).Object.(*core.Pod)
		if pod.Spec.SecurityContext.RunAsUser != nil {
			t.Error("the pod of the dry run has a user")
		}
		c := &pod.Spec.Containers[0]
		c.EnvFrom = []core.EnvFromSource{{ConfigMapRef: &core.ConfigMapEnvSource{LocalObjectReference: core.LocalObjectReference{Name: "settings"}}}}
		return false, nil, nil
	})
	a := shop.read(t, shop.reader()).Report(nil, true).Accounts[0]
	if !slices.Equal(a.NewPods, []string{"regional"}) || !a.Exact {
		t.Errorf("%+v", a)
	}
}

// What envFrom may set, and keys, keep no webhook away: what is injected wins.
func TestEnvFromIsNotOwn(t *testing.T) {
	secret := core.EnvFromSource{SecretRef: &core.SecretEnvSource{LocalObjectReference: core.LocalObjectReference{Name: "s"}}}
	mapped := core.EnvFromSource{ConfigMapRef: &core.ConfigMapEnvSource{LocalObjectReference: core.LocalObjectReference{Name: "settings"}}}
	other := core.EnvFromSource{Prefix: "DB_", SecretRef: secret.SecretRef}
	for name, tc := range map[string]struct {
		from     core.EnvFromSource
		own, env []core.EnvVar
		typ      stsendpoint.Type
		standing stsendpoint.Standing
		refused  bool
	}{
		"Secret":             {from: secret, env: irsa, typ: "unknown", standing: "stale"},
		"Secret, injected":   {from: secret, env: with("regional"), typ: "regional", standing: "current"},
		"another's Secret":   {from: other, env: irsa, typ: "default", standing: "stale"},
		"ConfigMap":          {from: mapped, env: irsa, typ: "global", standing: "stale"},
		"ConfigMap, injects": {from: mapped, env: with("regional"), typ: "regional", standing: "current"},
		"keys":               {from: mapped, own: []core.EnvVar{v("AWS_ACCESS_KEY_ID", "AKIA")}, env: with("legacy", v("AWS_ACCESS_KEY_ID", "AKIA")), typ: "global", standing: "stale"},
	} {
		ds := daemonSet("node", tc.own...)
		pod := podOf("node-1", ds, "DaemonSet", tc.env...)
		ds.Spec.Template.Spec.Containers[0].EnvFrom = []core.EnvFromSource{tc.from}
		pod.Spec.Containers[0].EnvFrom = []core.EnvFromSource{tc.from}
		settings := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: "settings"}, Data: map[string]string{stsendpoint.Variable: "legacy"}}
		shop := newShop(t, "v1.31.2", map[string]string{roleKey: role, stsendpoint.Annotation: "true"}, ds, pod, settings)
		s := shop.read(t, shop.reader())
		c := s.Report(nil, true).Pods[0].Containers[0]
		if c.Type != tc.typ || c.Standing != tc.standing || slices.Contains(codes(c.Findings), "NotRead") != (tc.typ == "unknown") {
			t.Errorf("%s: %+v", name, c)
		}
		if plan := stsendpoint.NewPlan(s, stsendpoint.Wish{Type: stsendpoint.Regional}); len(plan.Refusals) != 0 {
			t.Errorf("%s: %+v", name, plan)
		}
	}
}

// What a restart does not help is not restarted.
func TestNoRestartInVain(t *testing.T) {
	made := podOf("", nil, "").CreationTimestamp.Time
	for name, tc := range map[string]struct {
		wrote, restarted time.Duration // before the pod was made
		value            string
		sidecar          bool
		want             stsendpoint.Action
	}{
		"a sidecar that comes later":    {value: "regional", sidecar: true},
		"older than the annotation":     {wrote: -time.Minute, restarted: time.Minute, value: "legacy", want: stsendpoint.Restart},
		"restarted before it":           {wrote: time.Minute, restarted: time.Hour, value: "legacy", want: stsendpoint.Restart},
		"restarted since, and the same": {wrote: time.Hour, restarted: time.Minute, value: "legacy", want: stsendpoint.Leave},
	} {
		ds := node()
		at := map[string]string{restarted: made.Add(-tc.restarted).Format(time.RFC3339)}
		ds.Spec.Template.Annotations = at
		pod := podOf("node-1", ds, "DaemonSet", with(tc.value)...)
		pod.Annotations = at
		if tc.sidecar {
			pod.Spec.Containers = append(pod.Spec.Containers, core.Container{Name: "proxy"})
			pod.Spec.InitContainers = []core.Container{{Name: "proxy-init"}}
		}
		shop := newShop(t, "v1.31.2", map[string]string{roleKey: role, stsendpoint.Annotation: "true"}, ds, pod)
		shop.wroteAt(t, made.Add(-tc.wrote))
		plan := stsendpoint.NewPlan(shop.read(t, shop.reader()), stsendpoint.Wish{Type: stsendpoint.Regional})
		var got stsendpoint.Action
		if len(plan.Steps) > 0 {
			got = plan.Steps[0].Action
		}
		if got != tc.want {
			t.Errorf("%s: %+v", name, plan.Steps)
		}
	}
}

// Where the annotation does not stay, nothing is restarted for it.
func TestTakenBack(t *testing.T) {
	for by, extra := range map[string]string{"somebody": "", "Argo CD": "shop:/ServiceAccount:shop/web"} {
		ds := node()
		annotations := map[string]string{roleKey: role}
		if extra != "" {
			annotations["argocd.argoproj.io/tracking-id"] = extra
		}
		shop := newShop(t, "v1.31.2", annotations, ds, podOf("node-1", ds, "DaemonSet", with("legacy")...))
		shop.live(t, ds)
		shop.PrependReactor("patch", "serviceaccounts", func(client.Action) (bool, runtime.Object, error) { return true, shop.account(t), nil })
		_, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Regional})
		if !errors.Is(err, stsendpoint.ErrNothingRestarted) || !strings.Contains(err.Error(), "was taken back by "+by) {
			t.Errorf("%s: %v", by, err)
		}
		if got := shop.changes(); !slices.Equal(got, []string{"patch serviceaccounts"}) {
			t.Errorf("%s: %q", by, got)
		}
	}
}

// A workload that the webhook's selector leaves out has nothing to gain, and says nothing of the others.
func TestWorkloadThatTheWebhookLeavesOut(t *testing.T) {
	out, in := daemonSet("zone"), daemonSet("node")
	out.Spec.Template.Labels = map[string]string{"injection": "off"}
	bare := podOf("zone-1", out, "DaemonSet")
	bare.Labels = out.Spec.Template.Labels
	lost := daemonSet("lost") // made while the webhook was down
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, out, bare, in, podOf("node-1", in, "DaemonSet", with("regional")...), lost, podOf("lost-1", lost, "DaemonSet"))
	shop.PrependReactor("create", "pods", func(action client.Action) (bool, runtime.Object, error) {
		pod := action.(client.CreateActionImpl).Object
		return pod.(*core.Pod).Labels["injection"] == "off", pod, nil
	})
	s := shop.read(t, shop.reader())
	plan := stsendpoint.NewPlan(s, stsendpoint.Wish{Type: stsendpoint.Regional})
	if len(plan.Refusals) != 0 || len(plan.Steps) != 1 || plan.Steps[0].Name != "lost" {
		t.Errorf("%+v", plan)
	}
	for _, c := range stsendpoint.Confirm(s, stsendpoint.Wish{Type: stsendpoint.Regional}) {
		if c.Name == "zone-1" {
			t.Errorf("%+v", c)
		}
	}
}
