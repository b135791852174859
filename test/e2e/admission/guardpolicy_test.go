//go:build e2e

package admission_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	scheduling "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	testkubernetes "github.com/podpass/podpass/test/kubernetes"
)

// env is variables with these names.
func env(names ...string) (vars []core.EnvVar) {
	for _, name := range names {
		vars = append(vars, core.EnvVar{Name: name, Value: "x"})
	}
	return vars
}

var (
	webIdentity          = env("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
	containerCredentials = env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
)

const skipContainers, includeContainers = "eks.amazonaws.com/skip-containers", "podpass.io/include-containers"

// The policy of the chart, on a real API server: which pods it refuses, which it lets pass.
func TestGuardPolicy(t *testing.T) {
	g := newGuarded(t)
	windows := func(p *core.Pod) { p.Spec.OS = &core.PodOS{Name: core.Windows} }
	requires := func(terms ...core.NodeSelectorTerm) func(*core.Pod) {
		return func(p *core.Pod) {
			p.Spec.Affinity = &core.Affinity{NodeAffinity: &core.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &core.NodeSelector{NodeSelectorTerms: terms}}}
		}
	}
	onWindows := core.NodeSelectorTerm{MatchExpressions: []core.NodeSelectorRequirement{{Key: "kubernetes.io/os", Operator: core.NodeSelectorOpIn, Values: []string{"windows"}}}}
	onLinux := core.NodeSelectorTerm{MatchExpressions: []core.NodeSelectorRequirement{{Key: "kubernetes.io/os", Operator: core.NodeSelectorOpIn, Values: []string{"linux"}}}}
	annotate := func(key, value string) func(*core.Pod) {
		return func(p *core.Pod) { p.Annotations = map[string]string{key: value} }
	}
	sidecar := func(p *core.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, core.Container{Name: "sidecar", Image: "image"})
	}
	both := func(first, second func(*core.Pod)) func(*core.Pod) { return func(p *core.Pod) { first(p); second(p) } }
	for _, test := range []struct {
		name    string
		ns      string
		account string
		change  func(*core.Pod)
		refused bool
	}{
		{name: "nothing in it", account: "web", refused: true},
		{name: "nothing in it, an association", account: "queue", refused: true},
		{name: "the default account, unnamed", account: "", refused: true},
		{name: "an account that is not listed", account: "other"},
		{name: "a namespace with no list", ns: "unlisted", account: "web"},
		{name: "a namespace whose list is empty", ns: "emptied", account: "web"},
		{name: "our own namespace", ns: "podpass-system", account: "web"},
		{name: "kube-system is not excepted", ns: "kube-system", account: "web", refused: true},
		{name: "web identity", account: "web", change: func(p *core.Pod) { p.Spec.Containers[0].Env = webIdentity }},
		{name: "container credentials", account: "web", change: func(p *core.Pod) { p.Spec.Containers[0].Env = containerCredentials }},
		{name: "web identity though an association is due", account: "queue", change: func(p *core.Pod) { p.Spec.Containers[0].Env = webIdentity }},
		{name: "in one of two", account: "web", change: both(sidecar, func(p *core.Pod) { p.Spec.Containers[1].Env = webIdentity })},
		{name: "in an init container", account: "web", change: func(p *core.Pod) {
			p.Spec.InitContainers = []core.Container{{Name: "first", Image: "image", Env: containerCredentials}}
		}},
		{name: "half of each mechanism", account: "web", refused: true, change: func(p *core.Pod) {
			p.Spec.Containers[0].Env = env("AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
		}},
		{name: "half of one in each of two", account: "web", refused: true, change: both(sidecar, func(p *core.Pod) {
			p.Spec.Containers[0].Env, p.Spec.Containers[1].Env = env("AWS_ROLE_ARN"), env("AWS_WEB_IDENTITY_TOKEN_FILE")
		})},
		{name: "static keys are not what the account gives", account: "web", refused: true, change: func(p *core.Pod) {
			p.Spec.Containers[0].Env = env("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
		}},
		{name: "skip label", account: "web", change: func(p *core.Pod) {
			p.Labels = map[string]string{"eks.amazonaws.com/skip-pod-identity-webhook": ""}
		}},
		{name: "the skip label as an annotation", account: "web", refused: true, change: annotate("eks.amazonaws.com/skip-pod-identity-webhook", "true")},
		{name: "all skipped", account: "web", change: both(sidecar, annotate(skipContainers, "app, sidecar"))},
		{name: "all skipped, in quotes", account: "web", change: both(sidecar, annotate(skipContainers, `"app","sidecar"`))},
		{name: "one of two skipped", account: "web", refused: true, change: both(sidecar, annotate(skipContainers, "sidecar"))},
		{name: "an init container not skipped", account: "web", refused: true, change: both(annotate(skipContainers, "app"), func(p *core.Pod) {
			p.Spec.InitContainers = []core.Container{{Name: "first", Image: "image"}}
		})},
		{name: "a name that contains another", account: "web", refused: true, change: annotate(skipContainers, "app-2")},
		{name: "nothing skipped", account: "web", refused: true, change: annotate(skipContainers, "")},
		{name: "none included", account: "web", change: annotate(includeContainers, "somebody")},
		{name: "empty list of included", account: "web", change: annotate(includeContainers, "")},
		{name: "one included", account: "web", refused: true, change: both(sidecar, annotate(includeContainers, "sidecar"))},
		{name: "include wins over skip", account: "web", refused: true, change: func(p *core.Pod) {
			p.Annotations = map[string]string{includeContainers: "app", skipContainers: "app"}
		}},
		{name: "mirror pod", account: "web", change: func(p *core.Pod) {
			p.Annotations = map[string]string{"kubernetes.io/config.mirror": "x", "kubernetes.io/config.source": "file"}
			p.Spec.NodeName, p.Spec.ServiceAccountName = "node", "web"
		}},
		{name: "critical for nodes", account: "web", change: func(p *core.Pod) { p.Spec.PriorityClassName = "system-node-critical" }},
		{name: "critical for the cluster", account: "queue", change: func(p *core.Pod) { p.Spec.PriorityClassName = "system-cluster-critical" }},
		{name: "another priority class", account: "web", refused: true, change: func(p *core.Pod) { p.Spec.PriorityClassName = "important" }},
		{name: "Windows, web identity", account: "web", refused: true, change: windows},
		{name: "Windows, where no agent is", account: "queue", change: windows},
		{name: "Windows by node selector", account: "queue", change: func(p *core.Pod) {
			p.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "windows", "zone": "a"}
		}},
		{name: "Windows by the old node selector", account: "queue", change: func(p *core.Pod) {
			p.Spec.NodeSelector = map[string]string{"beta.kubernetes.io/os": "windows"}
		}},
		{name: "Linux by node selector", account: "queue", refused: true, change: func(p *core.Pod) { p.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "linux"} }},
		{name: "Linux by spec.os", account: "queue", refused: true, change: func(p *core.Pod) {
			p.Spec.OS, p.Spec.NodeSelector = &core.PodOS{Name: core.Linux}, map[string]string{"beta.kubernetes.io/os": "windows"}
		}},
		{name: "Windows by affinity", account: "queue", change: requires(onWindows)},
		{name: "Windows or Linux by affinity", account: "queue", refused: true, change: requires(onWindows, onLinux)},
		{name: "generateName", account: "web", refused: true, change: func(p *core.Pod) { p.Name, p.GenerateName = "", "job-" }},
		{name: "privileged users are not excepted", account: "web", refused: true, change: func(p *core.Pod) { p.Spec.HostNetwork = true }},
		{name: "500 containers, pair in the last", account: "web", change: containers(500, 20, len(webIdentity))},
		{name: "500 containers of 60, pair in the last", account: "web", change: containers(500, 60, len(webIdentity))},
		{name: "1 container, 30000 variables, pair at the end", account: "web", change: containers(1, 30000, len(webIdentity))},
		{name: "500 containers of 60, no pair", account: "web", refused: true, change: containers(500, 60, 0)},
		{name: "500 containers, no pair", account: "web", refused: true, change: containers(500, 20, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := pod(test.account)
			if test.change != nil {
				test.change(pod)
			}
			ns := test.ns
			if ns == "" {
				ns = "guarded"
			}
			err := g.create(t.Context(), ns, pod)
			switch {
			case test.refused && err == nil:
				t.Error("admitted")
			case test.refused:
				g.wantRefusal(t, err, ns, test.account)
			case err != nil:
				t.Error(err)
			}
		})
	}
}

// containers fills the pod: each container has n variables, the last one begins with the pair (or nothing).
func containers(count, n, pair int) func(*core.Pod) {
	return func(p *core.Pod) {
		p.Spec.Containers = nil
		for i := range count {
			c := core.Container{Name: fmt.Sprintf("c%d", i), Image: "image"}
			for j := range n {
				c.Env = append(c.Env, core.EnvVar{Name: fmt.Sprintf("VARIABLE_%d", j), Value: "value"})
			}
			p.Spec.Containers = append(p.Spec.Containers, c)
		}
		last := &p.Spec.Containers[count-1]
		last.Env = append(last.Env, webIdentity[:pair]...)
	}
}

// A list that changes is in force as soon as the API server has read it, both ways.
func TestGuardPolicyFollowsTheList(t *testing.T) {
	g := newGuarded(t)
	lists := g.client.CoreV1().ConfigMaps("guarded")
	list, err := lists.Get(t.Context(), "podpass-accounts", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list.Data = map[string]string{"other": "irsa"}
	if _, err := lists.Update(t.Context(), list, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	g.until(t, "web is not listed any more", func() bool { return g.create(t.Context(), "guarded", pod("web")) == nil })
	g.wantRefusal(t, g.create(t.Context(), "guarded", pod("other")), "guarded", "other")
	if err := lists.Delete(t.Context(), "podpass-accounts", meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	g.until(t, "the list is gone", func() bool { return g.create(t.Context(), "guarded", pod("other")) == nil })
}

// guarded is an API server with the chart's policy in force.
type guarded struct {
	client *kubernetes.Clientset
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	cluster := testkubernetes.Start(t)
	config := cluster.Config()
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	g := &guarded{client: client}
	ctx := t.Context()
	objects := manifests(t, nil)
	policy := manifest[admission.ValidatingAdmissionPolicy](t, objects, "ValidatingAdmissionPolicy podpass")
	if _, err := client.AdmissionregistrationV1().ValidatingAdmissionPolicies().Create(ctx, policy, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := manifest[admission.ValidatingAdmissionPolicyBinding](t, objects, "ValidatingAdmissionPolicyBinding podpass")
	if _, err := client.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().Create(ctx, binding, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	important := &scheduling.PriorityClass{ObjectMeta: meta.ObjectMeta{Name: "important"}, Value: 1}
	if _, err := client.SchedulingV1().PriorityClasses().Create(ctx, important, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{"web": "irsa", "queue": "pod-identity", "default": "irsa"}
	for ns, accounts := range map[string]map[string]string{"guarded": listed, "emptied": nil, "podpass-system": listed, "kube-system": listed, "unlisted": nil} {
		if _, err := client.CoreV1().Namespaces().Create(ctx, &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: ns}}, meta.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
		if ns == "unlisted" {
			continue
		}
		list := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "podpass-accounts"}, Data: accounts}
		if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, list, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// A policy is in force when the API server has read it and its parameters.
	g.until(t, "the policy is in force", func() bool {
		err := g.create(ctx, "guarded", pod("web"))
		other := g.create(ctx, "kube-system", pod("web"))
		return err != nil && strings.Contains(err.Error(), "CredentialsMissing") && other != nil && strings.Contains(other.Error(), "CredentialsMissing")
	})
	return g
}

func pod(account string) *core.Pod {
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "pod"},
		Spec:       core.PodSpec{ServiceAccountName: account, Containers: []core.Container{{Name: "app", Image: "image"}}},
	}
}

// create only asks: nothing stays.
func (g *guarded) create(ctx context.Context, ns string, p *core.Pod) error {
	_, err := g.client.CoreV1().Pods(ns).Create(ctx, p, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	return err
}

func (g *guarded) wantRefusal(t *testing.T, err error, ns, account string) {
	t.Helper()
	if account == "" {
		account = "default"
	}
	if !apierrors.IsForbidden(err) {
		t.Errorf("not Forbidden: %v", err)
		return
	}
	for _, want := range []string{"podpass: service account " + ns + "/" + account + " ", "(CredentialsMissing)", "kubectl get pods -n podpass-system", "eks.amazonaws.com/skip-pod-identity-webhook=true"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func (g *guarded) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("not within 30 s: %s", what)
		case <-again.C:
		}
	}
}
