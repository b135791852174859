package cluster_test

import (
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/identity"
)

func TestOwner(t *testing.T) {
	for name, tc := range map[string]struct {
		object meta.ObjectMeta
		want   string
	}{
		"nobody": {meta.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/instance": "web", "app.kubernetes.io/managed-by": "me"}}, ""},
		"Helm": {meta.ObjectMeta{
			Labels:      map[string]string{"app.kubernetes.io/managed-by": "Helm"},
			Annotations: map[string]string{"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
		}, "Helm release shop/web"},
		"Helm's label alone": {meta.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}}, "a Helm release"},
		"Argo CD, which renders a chart": {meta.ObjectMeta{
			Labels:      map[string]string{"app.kubernetes.io/managed-by": "Helm"},
			Annotations: map[string]string{"argocd.argoproj.io/tracking-id": "shop-web:/ServiceAccount:shop/web"},
		}, "Argo CD application shop-web"},
		"Argo CD's label":             {meta.ObjectMeta{Labels: map[string]string{"argocd.argoproj.io/instance": "shop-web"}}, "Argo CD application shop-web"},
		"Argo CD, by what it applied": {meta.ObjectMeta{ManagedFields: []meta.ManagedFieldsEntry{{Manager: "kubectl"}, {Manager: "argocd-controller"}}}, "Argo CD"},
		"Flux": {meta.ObjectMeta{Labels: map[string]string{
			"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
		}}, "Flux kustomize flux-system/apps"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := cluster.Owner(&tc.object); got != tc.want || ok != (tc.want != "") {
				t.Errorf("%q, %v; want %q", got, ok, tc.want)
			}
		})
	}
}

// An annotation is set without a word about anything else of the account, and only on what was read.
func TestAnnotate(t *testing.T) {
	theirs := &core.ServiceAccount{
		ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: "web", Annotations: map[string]string{"a": "1", "b": "2"}, Labels: map[string]string{"l": "1"}},
		Secrets:    []core.ObjectReference{{Name: "s"}}, ImagePullSecrets: []core.LocalObjectReference{{Name: "p"}},
	}
	accounts := cluster.New(fake.NewClientset(theirs), "").ServiceAccounts()
	name := identity.ServiceAccount{Namespace: "shop", Name: "web"}
	read, err := accounts.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Annotate(t.Context(), read, map[string]string{"c": "3"}, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	now, err := accounts.Get(t.Context(), name)
	if err != nil || len(now.Annotations) != 2 || now.Annotations["b"] != "2" || now.Annotations["c"] != "3" || len(now.Secrets) != 1 || len(now.ImagePullSecrets) != 1 || now.Labels["l"] != "1" {
		t.Errorf("%+v, %v", now, err)
	}
	if none, err := accounts.Get(t.Context(), identity.ServiceAccount{Namespace: "shop", Name: "none"}); none != nil || err != nil {
		t.Errorf("%+v, %v", none, err)
	}
	made, err := accounts.Create(t.Context(), name, map[string]string{"theirs": "no"})
	if err != nil || made.Annotations["theirs"] != "" {
		t.Errorf("one that was there was made again: %+v, %v", made, err)
	}
}

// A probe can never run, and those that killed commands have left go with the next one; what merely has the label stays.
func TestProbes(t *testing.T) {
	old := meta.NewTime(time.Now().Add(-time.Hour))
	labelled := func(name string, selector map[string]string, made meta.Time) *core.Pod {
		return &core.Pod{
			ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"podpass.io/probe": "true"}, CreationTimestamp: made},
			Spec:       core.PodSpec{NodeSelector: selector},
		}
	}
	never := map[string]string{"podpass.io/never": "true"}
	kube := fake.NewClientset(labelled("podpass-probe-left", never, old), labelled("podpass-probe-busy", never, meta.Now()), labelled("theirs", nil, old))
	probes := cluster.New(kube, "").Probes()
	pod, err := probes.Start(t.Context(), identity.ServiceAccount{Namespace: "shop", Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	if len(pod.Spec.SchedulingGates) != 1 || pod.Spec.NodeSelector["podpass.io/never"] != "true" || pod.Spec.ServiceAccountName != "web" {
		t.Errorf("%+v", pod.Spec)
	}
	for name, want := range map[string]bool{"podpass-probe-left": false, "podpass-probe-busy": true, "theirs": true} {
		_, err := kube.CoreV1().Pods("shop").Get(t.Context(), name, meta.GetOptions{})
		if want != (err == nil) || !want && !apierrors.IsNotFound(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := probes.Stop(t.Context(), pod); err != nil {
		t.Error(err)
	}
}
