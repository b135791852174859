//go:build e2e

package processes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podpass/podpass/install"
	"github.com/podpass/podpass/test/kubernetes"
)

// target is an API server to install in. There are no nodes: the test plays the controllers.
type target struct {
	*install.Cluster
	client  client.Interface
	mu      sync.Mutex
	lines   []string // of progress
	healthy atomic.Bool
}

func newTarget(t *testing.T, cluster *kubernetes.Cluster) *target {
	t.Helper()
	config, err := clientcmd.LoadFromFile(cluster.Kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	g := &target{}
	if g.Cluster, err = install.Connect(clientcmd.NewDefaultClientConfig(*config, nil)); err != nil {
		t.Fatal(err)
	}
	g.Timeout = time.Minute
	g.Progress = func(line string) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.lines = append(g.lines, line)
	}
	if g.client, err = client.NewForConfig(cluster.Config()); err != nil {
		t.Fatal(err)
	}
	g.healthy.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { g.control(ctx) })
	t.Cleanup(func() { cancel(); group.Wait() })
	return g
}

func (g *target) said(text string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.lines, func(line string) bool { return strings.Contains(line, text) })
}

// control says of every workload that it is ready, as long as the cluster is healthy. What goes wrong is tried again.
func (g *target) control(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !g.healthy.Load() {
			continue
		}
		apps := g.client.AppsV1()
		if list, err := apps.Deployments(install.Namespace).List(ctx, meta.ListOptions{}); err == nil {
			for _, d := range list.Items {
				n := *d.Spec.Replicas
				d.Status.ObservedGeneration, d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = d.Generation, n, n, n, n
				_, _ = apps.Deployments(install.Namespace).UpdateStatus(ctx, &d, meta.UpdateOptions{})
			}
		}
		if list, err := apps.DaemonSets(install.Namespace).List(ctx, meta.ListOptions{}); err == nil {
			for _, d := range list.Items {
				d.Status.ObservedGeneration, d.Status.DesiredNumberScheduled, d.Status.CurrentNumberScheduled = d.Generation, 1, 1
				d.Status.UpdatedNumberScheduled, d.Status.NumberAvailable, d.Status.NumberReady = 1, 1, 1
				_, _ = apps.DaemonSets(install.Namespace).UpdateStatus(ctx, &d, meta.UpdateOptions{})
			}
		}
	}
}

func releaseValues(t *testing.T, more ...string) install.Values {
	t.Helper()
	values := install.Values{"clusterName": "prod", "image": map[string]any{"repository": "registry.example/podpass", "digest": "sha256:" + strings.Repeat("0", 64)}}
	for _, text := range more {
		if err := values.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	return values
}

// apply installs or upgrades.
func (g *target) apply(t *testing.T, o install.Options) (*install.Plan, error) {
	t.Helper()
	plan, err := g.Plan(t.Context(), o)
	if err != nil {
		return nil, err
	}
	_, err = g.Apply(t.Context(), plan)
	return plan, err
}

func (g *target) webhookReplicas(t *testing.T) int32 {
	t.Helper()
	d, err := g.client.AppsV1().Deployments(install.Namespace).Get(t.Context(), "podpass-webhook", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return *d.Spec.Replicas
}

// The life of an installation, on a real API server: every object of the chart is taken by it.
func TestInstallation(t *testing.T) {
	t.Parallel() // beside the minute of TestAgentRotatesCredentials
	g := newTarget(t, kubernetes.Start(t))
	plan, err := g.apply(t, install.Options{Values: releaseValues(t)})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Current() || plan.Revision != 1 || slices.ContainsFunc(plan.Changes, func(c install.Change) bool { return c.Action != install.Create }) {
		t.Errorf("the plan of the first installation: revision %d, %v", plan.Revision, plan.Changes)
	}
	if !g.said("deployment podpass-server: ready, 1 of 1") || !g.said("daemonset podpass-agent: ready, 1 of 1") {
		t.Errorf("progress: %q", g.lines)
	}

	// The webhook writes its CA into the configuration, which no upgrade takes out again; what somebody scaled goes back to what was installed.
	webhooks := g.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	configuration, err := webhooks.Get(t.Context(), "podpass", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].ClientConfig.CABundle = []byte("-----BEGIN CERTIFICATE-----\n")
	}
	if _, err := webhooks.Update(t.Context(), configuration, meta.UpdateOptions{FieldManager: "podpass-webhook"}); err != nil {
		t.Logf("not a CA bundle the API server takes: %v", err) // it may validate it; then the test below has nothing to keep
		configuration = nil
	}
	deployment, err := g.client.AppsV1().Deployments(install.Namespace).Get(t.Context(), "podpass-webhook", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seven := int32(7)
	deployment.Spec.Replicas = &seven
	if _, err := g.client.AppsV1().Deployments(install.Namespace).Update(t.Context(), deployment, meta.UpdateOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	plan, err = g.apply(t, install.Options{Values: releaseValues(t, "webhook.replicas=3", "guard.enabled=false")})
	if err != nil {
		t.Fatal(err)
	}
	if n := g.webhookReplicas(t); n != 3 || plan.Revision != 2 {
		t.Errorf("after the upgrade to revision %d there are %d replicas", plan.Revision, n)
	}
	if !slices.Contains(plan.Changes, install.Change{Action: install.Delete, Kind: "ValidatingAdmissionPolicy", Name: "podpass"}) {
		t.Errorf("the plan does not delete the policy: %v", plan.Changes)
	}
	if _, err := g.client.AdmissionregistrationV1().ValidatingAdmissionPolicies().Get(t.Context(), "podpass", meta.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the policy is still there: %v", err)
	}
	if after, err := webhooks.Get(t.Context(), "podpass", meta.GetOptions{}); err != nil {
		t.Error(err)
	} else if configuration != nil && len(after.Webhooks[0].ClientConfig.CABundle) == 0 {
		t.Error("the upgrade took the CA away")
	}

	// Values of before count where they are asked for.
	if _, err := g.apply(t, install.Options{Values: install.Values{"region": "eu-west-1"}, ReuseValues: true}); err != nil {
		t.Fatal(err)
	}
	if n := g.webhookReplicas(t); n != 3 {
		t.Errorf("with the values of before there are %d replicas", n)
	}
	if to, err := g.Rollback(t.Context(), 1); err != nil || to != 1 {
		t.Fatalf("back to %d: %v", to, err)
	}
	if n := g.webhookReplicas(t); n != 2 {
		t.Errorf("after going back there are %d replicas", n)
	}
	if to, err := g.Rollback(t.Context(), 0); err != nil || to != 3 {
		t.Errorf("back to %d: %v, want 3, which was deployed before", to, err)
	}
	if _, err := g.Rollback(t.Context(), 99); !errors.As(err, new(*install.NoRevisionError)) {
		t.Errorf("back to what never was: %v", err)
	}
	history, err := g.History(t.Context())
	if err != nil || len(history) != 5 || history[4].Status != "deployed" || !strings.HasPrefix(history[0].Image, "registry.example/podpass@sha256:") {
		t.Errorf("history %+v: %v", history, err)
	}
}

// What does not become ready is undone, and the reason is said: the pod's own words.
func TestInstallationThatFails(t *testing.T) {
	t.Parallel() // beside the minute of TestAgentRotatesCredentials
	g := newTarget(t, kubernetes.Start(t))
	g.healthy.Store(false)
	g.Timeout = 3 * time.Second
	plan, err := g.Plan(t.Context(), install.Options{Values: releaseValues(t)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := g.Apply(t.Context(), plan)
		done <- err
	}()
	g.sickPod(t)
	err = <-done
	var failed *install.FailedError
	if !errors.As(err, &failed) || !failed.RolledBack || failed.Rollback != nil || failed.To != 0 {
		t.Fatalf("%v (%+v), want a failure that was undone", err, failed)
	}
	for _, want := range []string{
		"deployment podpass-server: not looked at yet", "pod podpass-server-sick is Pending", "container server: ImagePullBackOff: no such image", "Failed: pulling took too long",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the reason does not say %q:\n%v", want, err)
		}
	}
	if _, err := g.client.AppsV1().Deployments(install.Namespace).Get(t.Context(), "podpass-server", meta.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the server is still there: %v", err)
	}
	if _, err := g.History(t.Context()); !errors.Is(err, install.ErrNotInstalled) {
		t.Errorf("the release is still there: %v", err)
	}

	// An upgrade that fails leaves what was there before, and says so.
	g.healthy.Store(true)
	g.Timeout = time.Minute
	if _, err := g.apply(t, install.Options{Values: releaseValues(t)}); err != nil {
		t.Fatal(err)
	}
	g.healthy.Store(false)
	g.Timeout = 2 * time.Second
	plan, err = g.Plan(t.Context(), install.Options{Values: releaseValues(t, "webhook.replicas=5"), KeepFailed: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = g.Apply(t.Context(), plan); !errors.As(err, &failed) || failed.RolledBack {
		t.Errorf("kept as it is: %v", err)
	}
	if n := g.webhookReplicas(t); n != 5 {
		t.Errorf("what failed was to be kept, and there are %d replicas", n)
	}
	plan, err = g.Plan(t.Context(), install.Options{Values: releaseValues(t, "webhook.replicas=6")})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := g.Apply(t.Context(), plan)
		done <- err
	}()
	within(t, func() bool { return g.said("going back to revision 1") })
	g.healthy.Store(true)
	if err := <-done; !errors.As(err, &failed) || !failed.RolledBack || failed.To != 1 {
		t.Errorf("%v (%+v), want revision 1 again", err, failed)
	}
	if n := g.webhookReplicas(t); n != 2 {
		t.Errorf("after going back there are %d replicas", n)
	}
}

// What was ended half-way is gone on with, or undone.
func TestInstallationInterrupted(t *testing.T) {
	t.Parallel() // beside the minute of TestAgentRotatesCredentials
	g := newTarget(t, kubernetes.Start(t))
	g.healthy.Store(false)
	plan, err := g.Plan(t.Context(), install.Options{Values: releaseValues(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := g.Apply(ctx, plan)
		done <- err
	}()
	within(t, func() bool { return g.said("deployment podpass-webhook: not looked at yet") })
	interrupt()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	g.healthy.Store(true)
	within(t, func() bool { // what was under way has been put on record
		history, err := g.History(t.Context())
		return err == nil && history[0].Status == "failed"
	})
	if plan, err = g.apply(t, install.Options{Values: releaseValues(t, "webhook.replicas=3")}); err != nil || plan.Revision != 2 {
		t.Fatalf("gone on with as revision %d: %v", plan.Revision, err)
	}

	// A process that was killed leaves its revision pending.
	releases := storage.Init(driver.NewSecrets(g.client.CoreV1().Secrets(install.Namespace)))
	if plan, err = g.apply(t, install.Options{Values: releaseValues(t, "webhook.replicas=4")}); err != nil {
		t.Fatal(err)
	}
	last, err := releases.Last(install.Release)
	if err != nil {
		t.Fatal(err)
	}
	last.(*release.Release).Info.Status = common.StatusPendingUpgrade
	if err := releases.Update(last); err != nil {
		t.Fatal(err)
	}
	var pending *install.PendingError
	if _, err := g.Plan(t.Context(), install.Options{Values: releaseValues(t)}); !errors.As(err, &pending) || pending.Revision != 3 {
		t.Errorf("while a change is under way: %v", err)
	}
	if to, err := g.Rollback(t.Context(), 0); err != nil || to != 2 {
		t.Errorf("back to %d: %v, want 2", to, err)
	}
	if n := g.webhookReplicas(t); n != 3 {
		t.Errorf("after going back there are %d replicas", n)
	}
}

// within waits until it is so.
func within(t *testing.T, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to be")
		}
		<-tick.C
	}
}

// sickPod is what a controller and a kubelet would make of an image that cannot be pulled. It is taken away when its workload is.
func (g *target) sickPod(t *testing.T) {
	t.Helper()
	pods := g.client.CoreV1().Pods(install.Namespace)
	within(t, func() bool {
		_, err := g.client.AppsV1().Deployments(install.Namespace).Get(t.Context(), "podpass-server", meta.GetOptions{})
		return err == nil
	})
	pod, err := pods.Create(t.Context(), &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "podpass-server-sick", Labels: map[string]string{"app.kubernetes.io/name": "podpass", "app.kubernetes.io/component": "server"}},
		Spec:       core.PodSpec{Containers: []core.Container{{Name: "server", Image: "registry.example/none"}}},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase = core.PodPending
	pod.Status.ContainerStatuses = []core.ContainerStatus{{
		Name: "server", State: core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}},
	}}
	if _, err := pods.UpdateStatus(t.Context(), pod, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	event := &core.Event{
		ObjectMeta: meta.ObjectMeta{Name: "sick"}, Type: "Warning", Reason: "Failed", Message: "pulling took too long", LastTimestamp: meta.Now(),
		InvolvedObject: core.ObjectReference{Kind: "Pod", Namespace: install.Namespace, Name: pod.Name},
	}
	if _, err := g.client.CoreV1().Events(install.Namespace).Create(t.Context(), event, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	go func() { // the garbage collector
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			_, err := g.client.AppsV1().Deployments(install.Namespace).Get(context.Background(), "podpass-server", meta.GetOptions{})
			if err != nil {
				now := int64(0)
				_ = pods.Delete(context.Background(), pod.Name, meta.DeleteOptions{GracePeriodSeconds: &now})
				return
			}
		}
	}()
}

// Somebody else's things are neither overwritten nor removed.
func TestInstallationLeavesOthersAlone(t *testing.T) {
	t.Parallel() // beside the minute of TestAgentRotatesCredentials
	g := newTarget(t, kubernetes.Start(t))
	makeRole := func(name string) {
		t.Helper()
		account := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: name}}
		if _, err := g.client.CoreV1().ServiceAccounts(install.Namespace).Create(t.Context(), account, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	namespace := func(labels map[string]string) {
		t.Helper()
		if _, err := g.client.CoreV1().Namespaces().Create(t.Context(), &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: install.Namespace, Labels: labels}}, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	namespace(map[string]string{"pod-security.kubernetes.io/enforce": "baseline"})
	if _, err := g.Plan(t.Context(), install.Options{Values: releaseValues(t)}); !errors.As(err, new(*install.ForbiddenError)) {
		t.Errorf("a namespace that forbids the agent: %v", err)
	}
	ns, err := g.client.CoreV1().Namespaces().Get(t.Context(), install.Namespace, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ns.Labels = nil
	if _, err := g.client.CoreV1().Namespaces().Update(t.Context(), ns, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}

	makeRole("podpass-agent")
	var conflict *install.ConflictError
	if _, err := g.Plan(t.Context(), install.Options{Values: releaseValues(t)}); !errors.As(err, &conflict) || !slices.Equal(conflict.Objects, []string{"ServiceAccount podpass-system/podpass-agent, which no release has made"}) {
		t.Errorf("a service account that is there already: %v", err)
	}

	// AWS's own webhook and agent.
	g.awsParts(t)
	_, err = g.Plan(t.Context(), install.Options{Values: releaseValues(t), TakeOwnership: true})
	if !errors.As(err, new(*install.AgentTakenError)) {
		t.Errorf("beside AWS's agent: %v", err)
	}
	plan, err := g.Plan(t.Context(), install.Options{Values: releaseValues(t, "agent.enabled=false")})
	if err != nil || len(plan.Notes) != 2 {
		t.Errorf("without our agent: notes %q, %v", plan.Notes, err)
	}
	if _, err := g.apply(t, install.Options{Values: releaseValues(t), TakeOwnership: true, BesideEKSAgent: true}); err != nil {
		t.Fatal(err)
	}

	// What podpass makes while it runs goes with it; things of the same names that are not its own stay.
	mine := map[string]string{"app.kubernetes.io/managed-by": "podpass"}
	for _, m := range []core.ConfigMap{
		{ObjectMeta: meta.ObjectMeta{Namespace: "default", Name: "podpass-accounts", Labels: mine}},
		{ObjectMeta: meta.ObjectMeta{Namespace: "kube-public", Name: "podpass-ca", Labels: mine}},
		{ObjectMeta: meta.ObjectMeta{Namespace: "kube-public", Name: "podpass-accounts"}},
	} {
		if _, err := g.client.CoreV1().ConfigMaps(m.Namespace).Create(t.Context(), &m, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"podpass-administrator", "podpass-webhook-certificate"} {
		secret := &core.Secret{ObjectMeta: meta.ObjectMeta{Name: name, Labels: mine}}
		if _, err := g.client.CoreV1().Secrets(install.Namespace).Create(t.Context(), secret, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := g.Uninstall(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"PersistentVolumeClaim podpass-system/podpass-server", "Secret podpass-system/podpass-administrator"}; !slices.Equal(removed.Kept, want) {
		t.Errorf("kept %q, want %q", removed.Kept, want)
	}
	first := removed.Objects[0]
	if first.Kind != "MutatingWebhookConfiguration" || first.Name != "podpass" {
		t.Errorf("the first to go was %v", first)
	}
	g.exists(t, map[string]bool{
		"default/podpass-accounts": false, "kube-public/podpass-ca": false, "kube-public/podpass-accounts": true,
	})
	if _, err := g.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "pod-identity-webhook", meta.GetOptions{}); err != nil {
		t.Errorf("AWS's webhook: %v", err)
	}
	if _, err := g.client.AppsV1().DaemonSets("kube-system").Get(t.Context(), "eks-pod-identity-agent", meta.GetOptions{}); err != nil {
		t.Errorf("AWS's agent: %v", err)
	}

	// The state can be deleted later. A namespace that podpass did not make stays in any case.
	removed, err = g.Uninstall(t.Context(), true)
	if err != nil || !slices.Equal(removed.Kept, []string{"Namespace podpass-system, which podpass did not make"}) {
		t.Errorf("kept %q: %v", removed.Kept, err)
	}
	if _, err := g.client.CoreV1().Secrets(install.Namespace).Get(t.Context(), "podpass-administrator", meta.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the administrator's key: %v", err)
	}
	if _, err := g.Uninstall(t.Context(), true); !errors.Is(err, install.ErrNotInstalled) {
		t.Errorf("once more: %v", err)
	}
}

func (g *target) exists(t *testing.T, configMaps map[string]bool) {
	t.Helper()
	for path, want := range configMaps {
		namespace, name, _ := strings.Cut(path, "/")
		_, err := g.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), name, meta.GetOptions{})
		if got := err == nil; got != want {
			t.Errorf("ConfigMap %s is there: %v (%v), want %v", path, got, err, want)
		}
	}
}

// awsParts are as much of EKS's own webhook and agent as an installation looks at.
func (g *target) awsParts(t *testing.T) {
	t.Helper()
	none, url := admission.SideEffectClassNone, "https://127.0.0.1:23443/mutate"
	configuration := &admission.MutatingWebhookConfiguration{
		ObjectMeta: meta.ObjectMeta{Name: "pod-identity-webhook"},
		Webhooks: []admission.MutatingWebhook{{
			Name: "iam-for-pods.amazonaws.com", ClientConfig: admission.WebhookClientConfig{URL: &url}, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}
	if _, err := g.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(t.Context(), configuration, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"app.kubernetes.io/name": "eks-pod-identity-agent"}
	agent := &apps.DaemonSet{
		ObjectMeta: meta.ObjectMeta{Name: "eks-pod-identity-agent"},
		Spec: apps.DaemonSetSpec{
			Selector: &meta.LabelSelector{MatchLabels: labels},
			Template: core.PodTemplateSpec{ObjectMeta: meta.ObjectMeta{Labels: labels}, Spec: core.PodSpec{Containers: []core.Container{{Name: "agent", Image: "agent"}}}},
		},
	}
	agent, err := g.client.AppsV1().DaemonSets("kube-system").Create(t.Context(), agent, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	agent.Status.DesiredNumberScheduled = 2
	if _, err := g.client.AppsV1().DaemonSets("kube-system").UpdateStatus(t.Context(), agent, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// What podpass install --dry-run prints is what a cluster takes, without Helm.
func TestManifestsApply(t *testing.T) {
	t.Parallel() // beside the minute of TestAgentRotatesCredentials
	g := newTarget(t, kubernetes.Start(t))
	if _, err := g.client.CoreV1().Namespaces().Create(t.Context(), &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: "shop"}}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{
		nil,
		{"networkPolicy.enabled=true", "networkPolicy.namespaces={shop}", "server.tokenReview=true", "pods.ca=true", "pods.stsEndpoint=true"},
		{"server.replicas=3", "server.storage.kind=emptyDir", "server.etcd.endpoints={https://etcd:2379}", "server.etcd.secret=etcd", "webhook.hostNetwork=true"},
	} {
		m, err := install.Render(t.Context(), releaseValues(t, more...), "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := m.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if err := g.take(t, m); err != nil {
			t.Errorf("%q: %v\n%s", more, err, text)
		}
	}
}

// take applies manifests as kubectl apply --server-side does, and wants every field known to the API server.
func (g *target) take(t *testing.T, m *install.Manifests) error {
	t.Helper()
	var problems []error
	for _, o := range m.Objects {
		body, err := o.MarshalJSON()
		if err != nil {
			return err
		}
		path := resourcePath(o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName())
		err = g.client.CoreV1().RESTClient().Patch("application/apply-patch+yaml").AbsPath(path).Param("fieldManager", "test").Param("fieldValidation", "Strict").
			Param("force", "true").Body(body).Do(t.Context()).Error()
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err))
		}
	}
	return errors.Join(problems...)
}

func resourcePath(version, kind, namespace, name string) string {
	root := "/apis/" + version
	if version == "v1" {
		root = "/api/v1"
	}
	if namespace != "" {
		root += "/namespaces/" + namespace
	}
	plural := strings.ToLower(kind) + "s"
	if strings.HasSuffix(kind, "Policy") {
		plural = strings.TrimSuffix(strings.ToLower(kind), "y") + "ies"
	}
	return root + "/" + plural + "/" + name
}
