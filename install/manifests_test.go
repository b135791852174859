package install_test

import (
	"slices"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/podpass/podpass/install"
)

// typed decodes an object as what Kubernetes takes it for, and wants every field known.
func typed(t *testing.T, o *unstructured.Unstructured) runtime.Object {
	t.Helper()
	text, err := o.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Strict: true})
	out, _, err := strict.Decode(text, nil, nil)
	if err != nil {
		t.Fatalf("%s %s: %v", o.GetKind(), o.GetName(), err)
	}
	return out
}

// podOf is the pod template of a workload, nil for what is none.
func podOf(o runtime.Object) *core.PodSpec {
	switch w := o.(type) {
	case *apps.Deployment:
		return &w.Spec.Template.Spec
	case *apps.DaemonSet:
		return &w.Spec.Template.Spec
	}
	return nil
}

// find is the object of a kind and name.
func find[T runtime.Object](t *testing.T, m *install.Manifests, name string) T {
	t.Helper()
	for _, o := range m.Objects {
		if o.GetName() != name || strings.HasPrefix(o.GetAPIVersion(), "cilium.io/") {
			continue
		}
		if out, ok := typed(t, o).(T); ok {
			return out
		}
	}
	var none T
	t.Fatalf("there is no %T %s", none, name)
	return none
}

func envOf(t *testing.T, m *install.Manifests, workload, name string) string {
	t.Helper()
	for _, o := range m.Objects {
		if o.GetName() != workload || o.GetKind() != "Deployment" && o.GetKind() != "DaemonSet" {
			continue
		}
		for _, e := range podOf(typed(t, o)).Containers[0].Env {
			if e.Name == name {
				return e.Value
			}
		}
	}
	return ""
}

// Whatever the values, the manifests are what Kubernetes knows, and keep the promises of docs/install.md.
func TestManifests(t *testing.T) {
	for name, values := range shapes {
		t.Run(name, func(t *testing.T) {
			m := render(t, values)
			seen := map[string]bool{}
			for _, o := range m.Objects {
				id := o.GetKind() + "/" + o.GetNamespace() + "/" + o.GetName()
				if seen[id] {
					t.Errorf("%s is there twice", id)
				}
				seen[id] = true
				if ns := o.GetNamespace(); ns != "" && ns != install.Namespace && !strings.HasSuffix(o.GetKind(), "NetworkPolicy") {
					t.Errorf("%s is in another namespace", id)
				}
				if o.GetKind() == "Secret" {
					t.Errorf("%s: no secret is installed", id)
				}
				if o.GetKind() == "CiliumNetworkPolicy" {
					continue
				}
				check(t, typed(t, o), name == "a tag")
			}
			for _, image := range m.Images() {
				if want := "registry.example/podpass@" + digest; image != want && name != "a tag" {
					t.Errorf("runs %s, want %s", image, want)
				}
			}
		})
	}
}

func check(t *testing.T, o runtime.Object, tagged bool) {
	t.Helper()
	if pod := podOf(o); pod != nil {
		checkPod(t, pod, tagged)
	}
	switch o := o.(type) {
	case *rbac.ClusterRole:
		checkRules(t, o.Name, o.Rules)
	case *rbac.Role:
		checkRules(t, o.Name, o.Rules)
	case *admission.MutatingWebhookConfiguration:
		for _, w := range o.Webhooks {
			leavesAlone(t, w.Name, w.NamespaceSelector)
		}
	case *admission.ValidatingAdmissionPolicy:
		leavesAlone(t, o.Name, o.Spec.MatchConstraints.NamespaceSelector)
	case *apps.DaemonSet:
		if u := o.Spec.UpdateStrategy.RollingUpdate; u.MaxUnavailable.IntValue() != 0 || *u.MaxSurge == intstr.FromInt32(0) {
			t.Errorf("an update of %s leaves nodes without an agent: %+v", o.Name, u)
		}
	case *apps.Deployment:
		embedded := o.Name == "podpass-server" && !slices.ContainsFunc(o.Spec.Template.Spec.Containers[0].Args, func(a string) bool { return strings.HasPrefix(a, "--etcd-endpoints=") })
		if recreate := o.Spec.Strategy.Type == apps.RecreateDeploymentStrategyType; recreate != embedded {
			t.Errorf("%s: strategy %s, and embedded etcd is %v", o.Name, o.Spec.Strategy.Type, embedded)
		}
		if o.Spec.Selector.MatchLabels["app.kubernetes.io/component"] == "" {
			t.Errorf("%s selects %v", o.Name, o.Spec.Selector)
		}
	}
}

// leavesAlone wants podpass's own namespace excluded: its pods must start when nothing of podpass runs.
func leavesAlone(t *testing.T, name string, s *meta.LabelSelector) {
	t.Helper()
	selector, err := meta.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if selector.Matches(labelsOf{"kubernetes.io/metadata.name": install.Namespace, "podpass.io/inject": "required"}) {
		t.Errorf("%s is asked about podpass's own pods", name)
	}
}

type labelsOf map[string]string

func (l labelsOf) Has(key string) bool              { _, ok := l[key]; return ok }
func (l labelsOf) Get(key string) string            { return l[key] }
func (l labelsOf) Lookup(key string) (string, bool) { v, ok := l[key]; return v, ok }

func checkRules(t *testing.T, name string, rules []rbac.PolicyRule) {
	t.Helper()
	for _, r := range rules {
		if slices.Contains(r.Verbs, "*") || slices.Contains(r.Resources, "*") || slices.Contains(r.APIGroups, "*") {
			t.Errorf("%s may do anything: %v", name, r)
		}
		if slices.Contains(r.Resources, "secrets") && len(r.ResourceNames) == 0 && !slices.Equal(r.Verbs, []string{"create"}) {
			t.Errorf("%s may %v every secret", name, r.Verbs)
		}
	}
}

// capabilities are those that containers keep, by name.
var capabilities = map[string][]core.Capability{"initialize": {"NET_ADMIN"}, "agent": {"NET_BIND_SERVICE"}}

func checkPod(t *testing.T, pod *core.PodSpec, tagged bool) {
	t.Helper()
	if pod.SecurityContext == nil || pod.SecurityContext.SeccompProfile == nil || pod.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Error("no seccomp profile")
	}
	for _, c := range append(slices.Clone(pod.InitContainers), pod.Containers...) {
		s := c.SecurityContext
		switch {
		case s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Privileged != nil && *s.Privileged:
			t.Errorf("container %s may gain privileges", c.Name)
		case s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem:
			t.Errorf("container %s may write to its image", c.Name)
		case s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || !slices.Equal(s.Capabilities.Add, capabilities[c.Name]):
			t.Errorf("container %s has capabilities %+v", c.Name, s.Capabilities)
		}
		root := pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot
		if _, needed := capabilities[c.Name]; root != needed {
			t.Errorf("container %s: root is %v", c.Name, root)
		}
		if !tagged && !strings.HasSuffix(c.Image, "@"+digest) {
			t.Errorf("container %s runs %s, which can be moved", c.Name, c.Image)
		}
		for _, e := range c.Env {
			if strings.Contains(e.Name, "SECRET") {
				t.Errorf("container %s has a secret in its environment: %s", c.Name, e.Name)
			}
		}
		for _, m := range c.VolumeMounts {
			if !slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("container %s mounts %s, which is no volume", c.Name, m.Name)
			}
		}
	}
}

// A few things that only certain values make.
func TestShapes(t *testing.T) {
	if !slices.Contains(find[*apps.Deployment](t, render(t, shapes["what pods get"]), "podpass-webhook").Spec.Template.Spec.Containers[0].Args,
		"--inject-sts-endpoint=https://podpass-server.podpass-system.svc:8600") {
		t.Error("pods are not told where the server is")
	}
	if got := envOf(t, render(t, shapes["a server elsewhere"]), "podpass-agent", "AWS_CA_BUNDLE"); got != "" {
		t.Errorf("a server with a public certificate: AWS_CA_BUNDLE is %s", got)
	}
	for shape, want := range map[string]string{"no server": "", "no server, own role": "arn:aws:iam::111122223333:role/agent"} {
		if got := envOf(t, render(t, shapes[shape]), "podpass-agent", "AWS_ROLE_ARN"); got != want {
			t.Errorf("%s: AWS_ROLE_ARN is %q, want %q", shape, got, want)
		}
	}
	for _, e := range find[*networking.NetworkPolicy](t, render(t, shapes["network policies, a server elsewhere"]), "podpass-webhook").Spec.Egress {
		for _, p := range e.Ports {
			if p.Port.IntValue() == 8600 {
				return
			}
		}
	}
	t.Error("the webhook may not connect to the server elsewhere")
}
