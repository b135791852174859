//go:build e2e

package cluster_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mechanisms are a namespace's two service accounts, and how to judge pods of theirs.
var mechanisms = []struct {
	account string
	lacks   func(*core.Pod, string) error
}{
	{"irsa", func(pod *core.Pod, namespace string) error { return irsa(pod, roleARN(namespace+"-irsa")) }},
	{"pod-identity", func(pod *core.Pod, _ string) error { return podIdentity(pod) }},
}

// both makes a namespace with one account of each mechanism, whose roles are NAMESPACE-irsa and NAMESPACE-pod-identity.
func (w *world) both(t *testing.T, prefix string, labels map[string]string) string {
	t.Helper()
	namespace := w.namespace(t, prefix, labels)
	w.grant(t, irsaRole(namespace+"-irsa", namespace, "irsa")+podIdentityRole(namespace+"-pod-identity", namespace, "pod-identity")+
		association(namespace, "pod-identity", namespace+"-pod-identity"))
	w.serviceAccount(t, namespace, "irsa", roleARN(namespace+"-irsa"))
	w.serviceAccount(t, namespace, "pod-identity", "")
	return namespace
}

// Pods of every shape that runs get their identity, in every container, through either mechanism.
func TestShapesThatRun(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "shapes", nil)
	ask := func(name string) core.Container {
		return core.Container{Name: name, Image: image, Args: []string{"-once"}}
	}
	shapes := map[string]func(*core.Pod){
		"non-root": func(p *core.Pod) {
			p.Spec.SecurityContext = &core.PodSecurityContext{RunAsUser: new(int64(1000)), RunAsNonRoot: new(true)}
		},
		"non-root-container": func(p *core.Pod) {
			p.Spec.Containers[0].SecurityContext = &core.SecurityContext{RunAsUser: new(int64(1001)), RunAsNonRoot: new(true), ReadOnlyRootFilesystem: new(true)}
		},
		"init": func(p *core.Pod) { p.Spec.InitContainers = []core.Container{ask("init")} },
		"sidecar": func(p *core.Pod) {
			sidecar := ask("sidecar")
			sidecar.Args, sidecar.RestartPolicy = nil, new(core.ContainerRestartPolicyAlways)
			p.Spec.InitContainers = []core.Container{sidecar}
		},
		"two-containers": func(p *core.Pod) { p.Spec.Containers = append(p.Spec.Containers, ask("second")) },
		"host-network": func(p *core.Pod) {
			p.Spec.HostNetwork, p.Spec.DNSPolicy = true, core.DNSClusterFirstWithHostNet
		},
		"generated-": func(p *core.Pod) { p.GenerateName, p.Name = p.Name, "" },
	}
	for shape, change := range shapes {
		for _, m := range mechanisms {
			t.Run(strings.Trim(shape, "-")+"/"+m.account, func(t *testing.T) {
				name := m.account + "-" + shape
				pod := w.createPod(t, namespace, newPod(name, m.account, change))
				if !strings.HasPrefix(pod.Name, name) {
					t.Errorf("the pod is %q", pod.Name)
				}
				if err := m.lacks(pod, namespace); err != nil {
					t.Error(err)
				}
				for _, c := range containers(pod) {
					w.wantCaller(t, namespace, pod.Name, c.Name, namespace+"-"+m.account)
				}
				if err := w.client.CoreV1().Pods(namespace).Delete(t.Context(), pod.Name, deleteNow); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Windows is recognised in every way a pod can ask for it; such pods are patched, and cannot run here.
func TestShapesWindows(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "windows", nil)
	requirement := core.NodeSelectorRequirement{Key: "kubernetes.io/os", Operator: core.NodeSelectorOpIn, Values: []string{"windows"}}
	for name, change := range map[string]func(*core.Pod){
		"selector": func(p *core.Pod) { p.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "windows"} },
		"os":       func(p *core.Pod) { p.Spec.OS = &core.PodOS{Name: core.Windows} },
		"affinity": func(p *core.Pod) {
			p.Spec.Affinity = &core.Affinity{NodeAffinity: &core.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{requirement}}},
			}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := w.createPod(t, namespace, newPod(name, "irsa", gated, change))
			const want = `C:\var\run\secrets\eks.amazonaws.com\serviceaccount\token`
			if got := variable(pod.Spec.Containers[0], "AWS_WEB_IDENTITY_TOKEN_FILE"); got != want {
				t.Errorf("AWS_WEB_IDENTITY_TOKEN_FILE is %q, want %q", got, want)
			}
		})
	}
}

// What a pod may say of itself: leave me alone, leave these containers alone, only these.
func TestShapesSkipped(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "skipped", nil)
	second := func(p *core.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, core.Container{Name: "second", Image: image})
	}
	annotated := func(key, value string) func(*core.Pod) {
		return func(p *core.Pod) { p.Annotations = map[string]string{key: value} }
	}
	for name, of := range map[string]struct {
		change func(*core.Pod)
		want   map[string]bool // by container
	}{
		"label": {func(p *core.Pod) { p.Labels = map[string]string{"eks.amazonaws.com/skip-pod-identity-webhook": "yes"} }, map[string]bool{}},
		"skip":  {annotated("eks.amazonaws.com/skip-containers", "second"), map[string]bool{"main": true}},
		"only":  {annotated("podpass.io/include-containers", "second"), map[string]bool{"second": true}},
	} {
		t.Run(name, func(t *testing.T) {
			pod := w.createPod(t, namespace, newPod(name, "irsa", gated, second, of.change))
			for _, c := range pod.Spec.Containers {
				if got := variable(c, "AWS_ROLE_ARN") != ""; got != of.want[c.Name] {
					t.Errorf("container %s has a role: %v", c.Name, got)
				}
			}
		})
	}
}

// A dry run shows the pod as it would be, and leaves nothing.
func TestShapesDryRun(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "dry-run", nil)
	for _, m := range mechanisms {
		out := w.must(t, manifest(t, typed(namespace, newPod(m.account, m.account))), "kubectl", "apply", "--dry-run=server", "-o", "json", "-f", "-")
		var pod core.Pod
		if err := json.Unmarshal([]byte(out), &pod); err != nil {
			t.Fatal(err)
		}
		if err := m.lacks(&pod, namespace); err != nil {
			t.Error(err)
		}
		if _, err := w.client.CoreV1().Pods(namespace).Get(t.Context(), m.account, meta.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("after a dry run: %v", err)
		}
	}
}

// A static pod runs, and its mirror is as kubelet made it, also in a namespace that asks for identities.
func TestShapesStatic(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "static", map[string]string{"podpass.io/inject": "required"})
	w.staticPod(t, namespace, "static")
}

// staticPod runs one, sees its mirror, and takes it away with the test.
func (w *world) staticPod(t *testing.T, namespace, name string) {
	t.Helper()
	pod := newPod(name, "", looping())
	pod.Namespace, pod.TypeMeta = namespace, meta.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	pod.Spec.AutomountServiceAccountToken = new(false)
	file := filepath.Join(w.node.StaticPodDir(), name+".yaml")
	if err := os.WriteFile(file, []byte(manifest(t, pod)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	})
	until(t, "the static pod's mirror runs", func() error {
		pods, err := w.client.CoreV1().Pods(namespace).List(t.Context(), meta.ListOptions{})
		if err != nil {
			return err
		}
		for _, mirror := range pods.Items {
			if !strings.HasPrefix(mirror.Name, name+"-") {
				continue
			}
			if mirror.Annotations[core.MirrorPodAnnotationKey] == "" {
				return errors.New("it is no mirror")
			}
			if mirror.Status.Phase != core.PodRunning {
				return fmt.Errorf("it is %s", mirror.Status.Phase)
			}
			return untouched(&mirror)
		}
		return errors.New("there is no mirror")
	})
}
