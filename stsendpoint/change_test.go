package stsendpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	client "k8s.io/client-go/testing"

	"github.com/podpass/podpass/stsendpoint"
)

// live makes the shop's DaemonSet node roll at once when it is restarted: its pod is then what the webhook gives.
func (s *shop) live(t *testing.T, ds *apps.DaemonSet) {
	t.Helper()
	s.PrependReactor("patch", "daemonsets", func(action client.Action) (bool, runtime.Object, error) {
		var patch apps.DaemonSet
		if err := json.Unmarshal(action.(client.PatchActionImpl).Patch, &patch); err != nil {
			t.Error(err)
		}
		pod := podOf("node-1", ds, "DaemonSet")
		pod.Annotations = patch.Spec.Template.Annotations
		pod.UID, pod.CreationTimestamp.Time = "another", pod.CreationTimestamp.Add(2*time.Hour)
		s.inject(&pod.Spec.Containers[0], s.account(t))
		pods := core.SchemeGroupVersion.WithResource("pods")
		if err := s.Tracker().Update(pods, pod, "shop"); err != nil {
			t.Error(err)
		}
		return false, nil, nil
	})
	s.PrependReactor("create", "pods/eviction", func(action client.Action) (bool, runtime.Object, error) {
		of := action.(client.CreateActionImpl).Object.(*policy.Eviction)
		return true, nil, s.Tracker().Delete(core.SchemeGroupVersion.WithResource("pods"), of.Namespace, of.Name)
	})
}

func node() *apps.DaemonSet {
	ds := daemonSet("node")
	ds.Generation = 1
	ds.Status = apps.DaemonSetStatus{ObservedGeneration: 1, DesiredNumberScheduled: 1, CurrentNumberScheduled: 1, UpdatedNumberScheduled: 1, NumberAvailable: 1, NumberReady: 1}
	return ds
}

// set is what podpass sts-endpoint set does once it has been agreed to.
func (s *shop) set(t *testing.T, wish stsendpoint.Wish) (*stsendpoint.Result, error) {
	t.Helper()
	c := &stsendpoint.Change{
		Reader: s.reader(), Wish: wish, Now: time.Now, Poll: time.Millisecond, Settle: 50 * time.Millisecond,
		Scopes: []stsendpoint.Scope{{Namespace: "shop", Accounts: []string{"web"}}},
	}
	w, err := c.Reader.World(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, err := c.Read(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	result, failed := c.Apply(ctx, before, stsendpoint.NewPlan(before, wish))
	after, err := c.Read(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	result.Confirm(after, wish)
	return result, failed
}

// changes are what was written, dry runs aside.
func (s *shop) changes() (out []string) {
	for _, action := range s.Actions() {
		create, creates := action.(client.CreateActionImpl)
		if verb := action.GetVerb(); verb == "patch" || creates && len(create.CreateOptions.DryRun) == 0 {
			out = append(out, strings.TrimSuffix(verb+" "+action.GetResource().Resource+"/"+action.GetSubresource(), "/"))
		}
	}
	s.ClearActions()
	return out
}

func TestSetAndAgain(t *testing.T) {
	ds := node()
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("regional")...), podOf("lone", nil, "", with("regional")...))
	shop.live(t, ds)
	result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global})
	if err != nil || result.Err() != nil || result.Confirmed != 1 || len(result.Pods) != 2 || len(result.Left) != 1 || !strings.Contains(result.Left[0], "pod shop/lone") {
		t.Fatalf("%+v, %v", result, err)
	}
	if got := shop.changes(); !slices.Equal(got, []string{"patch serviceaccounts", "patch daemonsets"}) {
		t.Errorf("%q", got)
	}
	result, err = shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global, DeletePods: true})
	if err != nil || result.Confirmed != 1 || len(result.Pods) != 1 || len(result.Left) != 0 {
		t.Errorf("%+v, %v", result, err)
	}
	if got := shop.changes(); !slices.Equal(got, []string{"create pods/eviction"}) {
		t.Errorf("%q", got)
	}
	if _, err = shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global, DeletePods: true}); err != nil || len(shop.changes()) != 0 {
		t.Errorf("again: %v", err)
	}
	if _, err = shop.set(t, stsendpoint.Wish{Type: stsendpoint.Default}); err != nil || !slices.Equal(shop.changes(), []string{"patch serviceaccounts", "patch daemonsets"}) {
		t.Errorf("default: %v", err)
	}
	if _, has := shop.account(t).Annotations[stsendpoint.Annotation]; has || shop.account(t).Annotations[roleKey] != role {
		t.Errorf("%v", shop.account(t).Annotations)
	}
}

// Pods are left as they are where new ones would be worse off, or no better.
func TestNothingIsRestartedForNothing(t *testing.T) {
	amazon := func(annotation string, annotated bool) (string, bool) {
		if annotated && annotation == "false" {
			return "global", true
		}
		return "regional", true
	}
	deaf := func(string, bool) (string, bool) { return "regional", true }
	goes := func(annotation string, _ bool) (string, bool) { return "", annotation == "" } // it fails with the annotation
	for name, tc := range map[string]struct {
		give func(string, bool) (string, bool)
		says string
	}{
		"a value that SDKs refuse": {amazon, `refuse "global"`},
		"a webhook that is deaf":   {deaf, `asks for global, and a dry run of a new pod was given "regional"`},
		"a webhook that goes down": {goes, "would lose their identity"},
	} {
		ds := node()
		shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("regional")...))
		shop.give = tc.give
		shop.live(t, ds)
		result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global})
		if !errors.Is(err, stsendpoint.ErrNothingRestarted) || !strings.Contains(err.Error(), tc.says) || len(result.Done) != 1 {
			t.Errorf("%s: %v, %+v", name, err, result)
		}
		if got := shop.changes(); !slices.Equal(got, []string{"patch serviceaccounts"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A webhook that lags behind is waited for.
func TestSettles(t *testing.T) {
	ds := node()
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("regional")...))
	asked := 0
	shop.give = func(annotation string, annotated bool) (string, bool) {
		if asked++; asked < 5 {
			return "regional", true
		}
		return podpass(annotation, annotated)
	}
	shop.live(t, ds)
	lists := 0
	shop.PrependReactor("list", "pods", func(client.Action) (bool, runtime.Object, error) {
		lists++
		return false, nil, nil
	})
	if result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global}); err != nil || result.Confirmed != 1 || asked < 5 {
		t.Errorf("%+v, %v after %d", result, err, asked)
	}
	if lists > 3 { // before, when it has settled, and in the end
		t.Errorf("the pods were listed %d times", lists)
	}
}

func TestDeniedHalfWay(t *testing.T) {
	deny := func(resource string) client.ReactionFunc {
		return func(client.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "web", errors.New("not you"))
		}
	}
	for resource, want := range map[string][2]int{"serviceaccounts": {0, 2}, "daemonsets": {1, 1}} { // done, left
		ds := node()
		shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("regional")...))
		shop.live(t, ds)
		shop.PrependReactor("patch", resource, deny(resource))
		result, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global})
		if err = errors.Join(err, result.Err()); !apierrors.IsForbidden(err) || len(result.Done) != want[0] || len(result.Left) != want[1] || result.Confirmed != 0 {
			t.Errorf("%s: %v, done %q, left %q", resource, err, result.Done, result.Left)
		}
	}
}

// Somebody else changes the account at the same time: what is not about the annotation is gone along with, what is, is not overwritten.
func TestConflicts(t *testing.T) {
	for key, fails := range map[string]bool{"other": false, stsendpoint.Annotation: true} {
		ds := node()
		shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("regional")...))
		shop.live(t, ds)
		first := true
		shop.PrependReactor("patch", "serviceaccounts", func(client.Action) (bool, runtime.Object, error) {
			if !first {
				return false, nil, nil
			}
			first = false
			sa := shop.account(t).DeepCopy()
			sa.Annotations[key] = "true"
			if err := shop.Tracker().Update(core.SchemeGroupVersion.WithResource("serviceaccounts"), sa, "shop"); err != nil {
				t.Error(err)
			}
			return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "serviceaccounts"}, "web", errors.New("it was changed"))
		})
		_, err := shop.set(t, stsendpoint.Wish{Type: stsendpoint.Global})
		if (err != nil) != fails || fails && !strings.Contains(err.Error(), "somebody else has changed the annotation") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
