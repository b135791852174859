//go:build e2e

package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var required = map[string]string{"podpass.io/inject": "required"}

// With no webhook there is: pods that asked for it and pods of accounts with a role or an association are refused, and told why; all others are created.
func TestDownWebhook(t *testing.T) {
	w := shared(t)
	namespace, labelled := w.both(t, "down", nil), w.both(t, "down-required", required)
	w.guarded(t, namespace, "irsa", "pod-identity")
	w.guarded(t, labelled, "irsa", "pod-identity")
	byHand := w.byHand(t, namespace, "by-hand", "irsa", namespace+"-irsa")
	injected := map[string]*core.Pod{}
	for _, m := range mechanisms { // what the webhook makes of a pod, and what podpass inject makes of it
		pod := typed(namespace, newPod("injected-"+m.account, m.account))
		injected[m.account] = w.injected(t, pod)
	}
	w.scale(t, "deployment/podpass-webhook", 0)

	refused := func(what, namespace string, pod *core.Pod) {
		t.Helper()
		_, err := w.client.CoreV1().Pods(namespace).Create(t.Context(), pod, meta.CreateOptions{})
		if err == nil {
			t.Errorf("%s: created with the webhook down", what)
			return
		}
		if !strings.Contains(err.Error(), "podpass") {
			t.Errorf("%s: the refusal does not name podpass: %v", what, err)
		}
		t.Logf("%s: %v", what, err)
	}
	optedIn := func(p *core.Pod) { p.Labels = required }
	refused("a pod with the label", namespace, newPod("labelled", "default", gated, optedIn))
	refused("a pod of a namespace with the label", labelled, newPod("labelled", "default", gated))
	for _, m := range mechanisms {
		refused("a pod of the account "+m.account, namespace, newPod("plain", m.account, gated))
		refused("the same in a namespace with the label", labelled, newPod("plain", m.account, gated))
	}
	w.createPod(t, namespace, newPod("other", "default", looping()))
	w.running(t, namespace, "other")
	w.createPod(t, namespace, newPod("critical", "irsa", gated, func(p *core.Pod) { p.Spec.PriorityClassName = "system-node-critical" }))
	w.staticPod(t, labelled, "static")

	w.applyPod(t, byHand)
	w.wantCaller(t, namespace, "by-hand", "main", namespace+"-irsa")
	w.wantAsWritten(t, byHand)
	for _, m := range mechanisms {
		pod := injected[m.account]
		w.applyPod(t, pod)
		w.wantCaller(t, namespace, pod.Name, "main", namespace+"-"+m.account)
		w.wantAsWritten(t, pod)
	}

	// A controller's pods come as soon as there is a webhook again.
	w.apply(t, strings.NewReplacer("NAMESPACE", namespace, "NAME", "irsa", "GATES", "[]").Replace(raceJob[strings.Index(raceJob, "---"):]))
	until(t, "the Job's pod is refused", func() error {
		out, err := w.run(t.Context(), "", "kubectl", "get", "events", "-n", namespace)
		if err == nil && !strings.Contains(out, "FailedCreate") {
			err = errors.New(out)
		}
		return err
	})
	w.scale(t, "deployment/podpass-webhook", 2)
	w.kubectl(t, "wait", "-n", namespace, "job/irsa", "--for=condition=Complete", "--timeout=3m")
}

// injected is what podpass inject makes of a pod; it wants that to be what the webhook makes of it.
func (w *world) injected(t *testing.T, pod *core.Pod) *core.Pod {
	t.Helper()
	text := manifest(t, pod)
	var made, admitted core.Pod
	out := w.must(t, text, "bash", "-o", "pipefail", "-c", `kubectl podpass inject -f - --kubeconfig "$KUBECONFIG" --cluster `+clusterName+
		" --aws-default-region "+region+" --inject-ca --inject-sts-endpoint "+stsEndpoint+" | kubectl create --dry-run=client --validate=false -o json -f -")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal([]byte(w.must(t, text, "kubectl", "create", "--dry-run=server", "-o", "json", "-f", "-")), &admitted); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(names(&made), "\n"), strings.Join(names(&admitted), "\n"); got != want {
		t.Errorf("podpass inject made\n%s\nthe webhook\n%s", got, want)
	}
	return &made
}

// guarded waits until the guard knows these accounts.
func (w *world) guarded(t *testing.T, namespace string, accounts ...string) {
	t.Helper()
	until(t, "the guard knows the accounts of "+namespace, func() error {
		known, err := w.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), "podpass-accounts", meta.GetOptions{})
		if err != nil {
			return err
		}
		for _, name := range accounts {
			if known.Data[name] == "" {
				return fmt.Errorf("%s is missing from %v", name, known.Data)
			}
		}
		return nil
	})
}

// scale waits until a deployment of podpass has so many pods, all of them ready, and puts back with the test what was before.
func (w *world) scale(t *testing.T, workload string, replicas int) {
	t.Helper()
	name := strings.TrimPrefix(workload, "deployment/")
	deployments := w.client.AppsV1().Deployments(system)
	before, err := deployments.Get(t.Context(), name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set := func(ctx context.Context, n int) error {
		_, err := deployments.Patch(ctx, name, types.MergePatchType, []byte(fmt.Sprintf(`{"spec":{"replicas":%d}}`, n)), meta.PatchOptions{})
		return err
	}
	if err := set(t.Context(), replicas); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if err := set(ctx, int(*before.Spec.Replicas)); err != nil {
			t.Error(err)
		}
		if _, err := w.run(ctx, "", "kubectl", "rollout", "status", "-n", system, workload, "--timeout=2m"); err != nil {
			t.Error(err)
		}
	})
	if replicas > 0 {
		w.kubectl(t, "rollout", "status", "-n", system, workload, "--timeout=2m")
		return
	}
	until(t, workload+" is gone", func() error {
		slices, err := w.client.DiscoveryV1().EndpointSlices(system).List(t.Context(), meta.ListOptions{LabelSelector: "kubernetes.io/service-name=" + name})
		if err != nil {
			return err
		}
		for _, s := range slices.Items {
			if len(s.Endpoints) > 0 {
				return fmt.Errorf("%d endpoints", len(s.Endpoints))
			}
		}
		return nil
	})
	w.kubectl(t, "wait", "-n", system, "pods", "-l", "app.kubernetes.io/component="+strings.TrimPrefix(name, "podpass-"), "--for=delete", "--timeout=2m")
}

func (w *world) running(t *testing.T, namespace, pod string) {
	t.Helper()
	w.kubectl(t, "wait", "-n", namespace, "pod/"+pod, "--for=jsonpath={.status.phase}=Running", "--timeout=3m")
}

// Every podpass pod is deleted and the API server restarted: all of it comes back by itself, and pods get their identities.
func TestDownEverything(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "recovers", required)
	w.guarded(t, namespace, "irsa", "pod-identity")
	w.kubectl(t, "delete", "pods", "-n", system, "--all", "--force", "--grace-period=0")
	if err := w.node.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	if err := w.node.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.recovered(t)
	for _, m := range mechanisms {
		until(t, "a pod of "+m.account+" is created", func() error {
			_, err := w.client.CoreV1().Pods(namespace).Create(t.Context(), newPod(m.account, m.account), meta.CreateOptions{})
			return err
		})
		w.wantCaller(t, namespace, m.account, "main", namespace+"-"+m.account)
	}
}

// recovered waits until everything of podpass runs.
func (w *world) recovered(t *testing.T) {
	t.Helper()
	for _, workload := range []string{"deployment/podpass-server", "deployment/podpass-webhook", "daemonset/podpass-agent"} {
		until(t, workload+" runs", func() error {
			_, err := w.run(t.Context(), "", "kubectl", "rollout", "status", "-n", system, workload, "--timeout=30s")
			return err
		})
	}
}

// The certificate of the webhook, and then its CA, are rotated while pods are created that nothing but a working webhook lets through.
func TestDownCertificates(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "rotated", required)
	load := w.churn(t, namespace, true)
	load.more(20)
	for _, what := range []string{"certificate", "ca"} {
		before := w.webhookSecret(t)
		w.shell(t, "kubectl annotate secret -n podpass-system podpass-webhook-certificate podpass.io/rotate="+what)
		until(t, what+" is rotated", func() error {
			secret := w.webhookSecret(t)
			if secret.Annotations["podpass.io/rotate"] != "" {
				return errors.New("it is under way")
			}
			if string(secret.Data["tls.crt"]) == string(before.Data["tls.crt"]) {
				return errors.New("the certificate is the old one")
			}
			if what == "ca" && string(secret.Data["ca.crt"]) == string(before.Data["ca.crt"]) {
				return errors.New("the CA is the old one")
			}
			return nil
		})
		w.progress("the webhook's %s is rotated", what)
		load.more(100)
	}
	load.end("certificate and CA rotated")
}

func (w *world) webhookSecret(t *testing.T) *core.Secret {
	t.Helper()
	secret, err := w.client.CoreV1().Secrets(system).Get(t.Context(), "podpass-webhook-certificate", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// Webhook and agent are rolled out anew while pods come and go and fetch credentials.
func TestDownRollout(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "rollout", nil)
	fetcher := w.fetcher(t, namespace, "pod-identity")
	load := w.churn(t, namespace, false)
	load.more(20)
	for _, workload := range []string{"deployment/podpass-webhook", "daemonset/podpass-agent"} {
		w.progress("rolling out %s", workload)
		w.kubectl(t, "rollout", "restart", "-n", system, workload)
		w.kubectl(t, "rollout", "status", "-n", system, workload, "--timeout=3m")
		load.more(50)
		w.fetched(t, namespace, fetcher, 8)
	}
	load.end("webhook and agent rolled out")
	w.wantNoFailure(t, namespace, fetcher)
}
