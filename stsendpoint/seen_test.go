package stsendpoint_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"

	"github.com/podpass/podpass/stsendpoint"
)

// Where no dry run can be had, one restart tells what new pods are given, and what that is counts, whatever it is.
func TestRestartTells(t *testing.T) {
	nothing := func(string, bool) (string, bool) { return "", true }
	for name, give := range map[string]func(string, bool) (string, bool){"podpass": podpass, "a webhook that gives no value": nothing} {
		ds := node()
		shop := newShop(t, "v1.21.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("")...))
		shop.give, shop.denied = give, true
		shop.live(t, ds)
		shop.wroteAt(t, podOf("", nil, "").CreationTimestamp.Add(time.Hour)) // between the pod that is there and the one that live makes
		result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global})
		if err != nil || len(result.Pods) != 1 || result.Confirmed != 1 {
			t.Errorf("%s: %v, %+v", name, err, result)
		}
		if got := shop.changes(); !slices.Equal(got, []string{"patch serviceaccounts", "patch daemonsets"}) {
			t.Errorf("%s: %q", name, got)
		}
		if result, err = shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global}); err != nil || result.Confirmed != 1 || len(shop.changes()) != 0 {
			t.Errorf("%s, again: %v, %+v", name, err, result)
		}
	}
}

// Interrupted between the annotation and the restart, the next run restarts, once.
func TestRestartStillHasToTell(t *testing.T) {
	made := podOf("", nil, "").CreationTimestamp.Time
	for wrote, steps := range map[time.Duration]int{time.Hour: 1, -time.Hour: 0, -time.Second: 1} {
		ds := node()
		shop := newShop(t, "v1.21.2", map[string]string{roleKey: role, stsendpoint.Annotation: "false"}, ds, podOf("node-1", ds, "DaemonSet", with("")...))
		shop.denied = true
		shop.wroteAt(t, made.Add(wrote))
		s := shop.read(t, shop.reader())
		plan := stsendpoint.NewPlan(s, stsendpoint.Wish{Type: stsendpoint.Global})
		if len(plan.Steps) != steps || steps == 1 && plan.Steps[0].Action != stsendpoint.Restart {
			t.Errorf("%v: %+v", wrote, plan.Steps)
		}
		if a := s.Report(nil, true).Accounts[0]; a.Exact || strings.Contains(a.Why, "pod node-1") != (steps == 0) {
			t.Errorf("%v: %+v", wrote, a)
		}
	}
}

// A template that was changed after its pods were made says nothing of them.
func TestTemplateAheadOfItsPods(t *testing.T) {
	for _, onDelete := range []bool{true, false} {
		ds := daemonSet("node", v(stsendpoint.Variable, "legacy"))
		want := stsendpoint.Wait
		if onDelete {
			ds.Spec.UpdateStrategy.Type, want = apps.OnDeleteDaemonSetStrategyType, stsendpoint.Leave
		}
		newer := podOf("node-2", ds, "DaemonSet", with("legacy")...)
		shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("regional")...), newer)
		s := shop.read(t, shop.reader())
		pods := s.Report(nil, true).Pods
		if c := pods[0].Containers[0]; c.Standing != stsendpoint.Stale || strings.Contains(c.Why, "set by") || !slices.Equal(codes(c.Findings), []string{"OlderThanSetting"}) {
			t.Errorf("%+v", c)
		}
		if c := pods[1].Containers[0]; c.Standing != stsendpoint.Own || !strings.Contains(c.Why, "set by") {
			t.Errorf("%+v", c)
		}
		plan := stsendpoint.NewPlan(s, stsendpoint.Wish{Type: stsendpoint.Global})
		if len(plan.Steps) != 1 || plan.Steps[0].Action != want || !slices.Equal(plan.Steps[0].Pods, []string{"node-1"}) || !slices.Equal(codes(plan.Refusals), []string{"OwnVariable"}) {
			t.Errorf("%+v", plan)
		}
	}
}
