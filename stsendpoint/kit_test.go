package stsendpoint_test

import (
	"context"
	"errors"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/version"
	discovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes/fake"
	client "k8s.io/client-go/testing"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/stsendpoint"
)

const (
	role    = "arn:aws:iam::111122223333:role/web"
	roleKey = "eks.amazonaws.com/role-arn"
)

// shop is a cluster with one account, web, and a webhook that does what give says of its annotation.
type shop struct {
	*fake.Clientset
	give   func(annotation string, annotated bool) (value string, injects bool)
	denied bool // dry runs are
}

// podpass is what podpass's webhook gives.
func podpass(annotation string, annotated bool) (string, bool) {
	if annotated && annotation == "false" {
		return "legacy", true
	}
	return "regional", true
}

func newShop(t *testing.T, gitVersion string, annotations map[string]string, objects ...runtime.Object) *shop {
	t.Helper()
	sa := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: "web", UID: "web", Annotations: annotations}}
	s := &shop{Clientset: fake.NewClientset(append(objects, sa)...), give: podpass}
	s.Discovery().(*discovery.FakeDiscovery).FakedServerVersion = &version.Info{GitVersion: gitVersion}
	s.PrependReactor("create", "pods", func(action client.Action) (bool, runtime.Object, error) {
		create := action.(client.CreateActionImpl)
		pod := create.Object.(*core.Pod)
		if len(create.CreateOptions.DryRun) == 0 {
			return false, nil, nil
		}
		if s.denied {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("not you"))
		}
		pod = pod.DeepCopy()
		s.inject(&pod.Spec.Containers[0], s.account(t))
		return true, pod, nil
	})
	return s
}

// account goes past the client, which holds a lock while it asks its reactors.
func (s *shop) account(t *testing.T) *core.ServiceAccount {
	t.Helper()
	sa, err := s.Tracker().Get(core.SchemeGroupVersion.WithResource("serviceaccounts"), "shop", "web")
	if err != nil {
		t.Fatal(err)
	}
	return sa.(*core.ServiceAccount)
}

func (s *shop) inject(c *core.Container, sa *core.ServiceAccount) {
	annotation, annotated := sa.Annotations[stsendpoint.Annotation]
	value, injects := s.give(annotation, annotated)
	if !injects || sa.Annotations[roleKey] == "" {
		return
	}
	if value != "" {
		c.Env = append(c.Env, core.EnvVar{Name: stsendpoint.Variable, Value: value})
	}
	c.Env = append(c.Env, irsa...)
}

var irsa = []core.EnvVar{
	{Name: "AWS_REGION", Value: "us-west-2"},
	{Name: "AWS_ROLE_ARN", Value: role},
	{Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: "/token"},
}

func (s *shop) reader() *stsendpoint.Reader {
	return &stsendpoint.Reader{Cluster: cluster.New(s.Clientset, "https://shop")}
}

// read reads the account web's pods.
func (s *shop) read(t *testing.T, r *stsendpoint.Reader) *stsendpoint.Snapshot {
	t.Helper()
	w, err := r.World(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Read(t.Context(), w, stsendpoint.Scope{Namespace: "shop", Accounts: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// podOf is a running pod; owner may be nil.
func podOf(name string, owner meta.Object, kind string, env ...core.EnvVar) *core.Pod {
	p := &core.Pod{
		ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name), CreationTimestamp: meta.NewTime(time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC))},
		Spec:       core.PodSpec{ServiceAccountName: "web", Containers: []core.Container{{Name: "main", Image: "shop/web:1", Env: env}}},
		Status:     core.PodStatus{Phase: core.PodRunning},
	}
	if owner != nil {
		yes := true
		p.OwnerReferences = []meta.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: owner.GetName(), UID: owner.GetUID(), Controller: &yes}}
	}
	return p
}

// with is what the webhook once gave: a value, and the identity.
func with(value string, more ...core.EnvVar) []core.EnvVar {
	env := append([]core.EnvVar{}, more...)
	if value != "" {
		env = append(env, core.EnvVar{Name: stsendpoint.Variable, Value: value})
	}
	return append(env, irsa...)
}

func templateOf(env ...core.EnvVar) core.PodTemplateSpec {
	return core.PodTemplateSpec{Spec: core.PodSpec{ServiceAccountName: "web", Containers: []core.Container{{Name: "main", Env: env}}}}
}

func daemonSet(name string, env ...core.EnvVar) *apps.DaemonSet {
	return &apps.DaemonSet{ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("ds-" + name)}, Spec: apps.DaemonSetSpec{Template: templateOf(env...)}}
}

// cloud is an AWS account with one cluster in it.
type cloud struct {
	found                  *account.Cluster
	closed, endpoints      []string
	optIn                  bool
	clusterErr, networkErr error
}

func (c *cloud) Find(context.Context, string, string) (*account.Cluster, error) {
	return c.found, c.clusterErr
}

func (c *cloud) Region(_ context.Context, name string) (*account.Region, error) {
	return &account.Region{Name: name, OptIn: c.optIn, In: true}, c.networkErr
}

func (c *cloud) WithoutDefaultRoute(context.Context, string, []string) ([]string, error) {
	return c.closed, c.networkErr
}

func (c *cloud) Endpoints(context.Context, string) ([]string, error) {
	return c.endpoints, c.networkErr
}
