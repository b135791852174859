package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	client "k8s.io/client-go/testing"

	"github.com/podpass/podpass/cluster"
)

func pod(namespace, name string) *core.Pod {
	return &core.Pod{ObjectMeta: meta.ObjectMeta{Namespace: namespace, Name: name, UID: "uid-of-pod"}}
}

// Lists are asked for in pages, and go on with the token the API server gives when the one before has expired.
func TestPodsArePaged(t *testing.T) {
	kube := fake.NewClientset()
	var asked []string
	kube.PrependReactor("list", "pods", func(action client.Action) (bool, runtime.Object, error) {
		options := action.(client.ListActionImpl).ListOptions
		asked = append(asked, fmt.Sprintf("%d %s %s", options.Limit, options.Continue, options.FieldSelector))
		page := &core.PodList{Items: []core.Pod{*pod("shop", fmt.Sprintf("web-%d", len(asked)))}}
		switch len(asked) {
		case 1:
			page.Continue = "second"
		case 2:
			expired := apierrors.NewResourceExpired("too old")
			expired.ErrStatus.Continue = "second-as-of-now"
			return true, nil, expired
		}
		return true, page, nil
	})
	var names []string
	err := cluster.New(kube, "").Pods().Each(t.Context(), cluster.Which{Namespace: "shop", Fields: "spec.nodeName=n"}, func(p *core.Pod) error {
		names = append(names, p.Name)
		return nil
	})
	want := []string{"500  spec.nodeName=n", "500 second spec.nodeName=n", "500 second-as-of-now spec.nodeName=n"}
	if err != nil || !slices.Equal(asked, want) || !slices.Equal(names, []string{"web-1", "web-3"}) {
		t.Errorf("%q, %q, %v", asked, names, err)
	}
}

func TestEvict(t *testing.T) {
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "web")
	another := apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "web", errors.New("the UID in the precondition is not the pod's"))
	budget := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	denied := apierrors.NewForbidden(schema.GroupResource{Resource: "pods/eviction"}, "web", errors.New("not you"))
	for name, tc := range map[string]struct {
		says []error
		held int
		is   func(error) bool
	}{
		"evicted":             {[]error{nil}, 0, nil},
		"gone already":        {[]error{gone}, 0, nil},
		"another of its name": {[]error{another}, 0, nil},
		"held by a budget":    {[]error{budget, nil}, 1, nil},
		"denied":              {[]error{denied}, 0, apierrors.IsForbidden},
		"held for too long": {[]error{budget, budget, budget, budget}, 2, func(err error) bool {
			return errors.Is(err, context.DeadlineExceeded) && apierrors.IsTooManyRequests(err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kube, tries, held := fake.NewClientset(), 0, 0
			kube.PrependReactor("create", "pods/eviction", func(client.Action) (bool, runtime.Object, error) {
				tries++
				return true, nil, tc.says[tries-1]
			})
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			err := cluster.New(kube, "").Pods().Evict(ctx, pod("shop", "web"), func(string) { held++ })
			if (err != nil) != (tc.is != nil) || tc.is != nil && !tc.is(err) || held != tc.held {
				t.Errorf("%v, held %d times", err, held)
			}
		})
	}
}

func TestRegionOf(t *testing.T) {
	for name, tc := range map[string]struct {
		labels   map[string]string
		provider string
		want     string
	}{
		"label":      {map[string]string{"topology.kubernetes.io/region": "eu-west-1"}, "aws:///us-west-2a/i-1", "eu-west-1"},
		"old label":  {map[string]string{"failure-domain.beta.kubernetes.io/region": "eu-west-1"}, "", "eu-west-1"},
		"zone":       {nil, "aws:///us-west-2a/i-0123", "us-west-2"},
		"local zone": {nil, "aws:///us-west-2-lax-1a/i-0123", "us-west-2"},
		"gov":        {nil, "aws:///us-gov-west-1b/i-0123", "us-gov-west-1"},
		"Fargate":    {nil, "aws:///eu-central-1c/0a1b/fargate-ip-10-0-0-1", "eu-central-1"},
		"not AWS":    {nil, "gce://project/europe-west1-b/node", ""},
		"nothing":    {nil, "", ""},
		"nonsense":   {nil, "aws:///nowhere/i-1", ""},
	} {
		if got := cluster.RegionOf(&core.Node{ObjectMeta: meta.ObjectMeta{Labels: tc.labels}, Spec: core.NodeSpec{ProviderID: tc.provider}}); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
