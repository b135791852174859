//go:build e2e

package cluster_test

import (
	"context"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A release is upgraded and rolled back while pods are created: none misses its identity, and all of podpass runs afterwards.
func TestLifecycleUpgradeAndRollback(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "upgrade", nil)
	load := w.churn(t, namespace, true)
	load.more(20)
	level := func() string {
		t.Helper()
		return w.kubectl(t, "get", "-n", system, "daemonset/podpass-agent", "-o", "jsonpath={.spec.template.spec.containers[0].args}")
	}
	const debug = "--verbosity=debug"
	w.progress("upgrading the release")
	if out, err := w.install(t.Context(), "--set", "agent.logLevel=debug", "--set", "webhook.podAnnotations.e2e=upgraded"); err != nil {
		t.Fatal(err)
	} else if t.Log(out); !strings.Contains(level(), debug) {
		t.Errorf("after the upgrade the agent has %s", level())
	}
	load.more(20)
	t.Log(w.must(t, "", "podpass", "install", "history"))
	w.progress("rolling the release back")
	t.Log(w.must(t, "", "podpass", "install", "rollback"))
	if strings.Contains(level(), debug) {
		t.Errorf("after the rollback the agent has %s", level())
	}
	w.recovered(t)
	load.more(20)
	load.end("upgraded and rolled back")
	for _, m := range mechanisms {
		w.createPod(t, namespace, newPod(m.account, m.account))
		w.wantCaller(t, namespace, m.account, "main", namespace+"-"+m.account)
	}
}

// Installing again changes nothing, and the plugin finds the server as an administrator of the cluster would.
func TestLifecyclePlugin(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "plugin", nil)
	if out := w.shell(t, "kubectl podpass association list"); !strings.Contains(out, namespace) {
		t.Errorf("no association of %s", namespace)
	}
	if out := w.shell(t, "kubectl podpass cluster list"); !strings.Contains(out, clusterName) {
		t.Errorf("no cluster %s", clusterName)
	}
	out := w.shell(t, "kubectl podpass association wait -n "+namespace+" pod-identity")
	t.Log(out)
	pod := w.createPod(t, namespace, newPod("who", "pod-identity"))
	w.wantCaller(t, namespace, pod.Name, "main", namespace+"-pod-identity")
	lines, err := w.lines(t.Context(), namespace, pod.Name, "main")
	if err != nil {
		t.Fatal(err)
	}
	if out := w.shell(t, "kubectl podpass whois "+lines[0].Key); !strings.Contains(out, namespace) || !strings.Contains(out, "who") {
		t.Errorf("whois does not name the pod: %s", out)
	}
}

// The last of all: nothing of podpass is left that pods could notice, and the first to go was what stands in their way.
func TestUninstall(t *testing.T) {
	w := shared(t)
	t.Parallel()
	<-w.rotation.ended // its pods need podpass
	namespace := w.both(t, "uninstalled", required)
	w.guarded(t, namespace, "irsa", "pod-identity")
	w.progress("podpass uninstall")
	t.Log(w.must(t, "", "podpass", "uninstall", "--yes"))
	for _, kind := range []string{"mutatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings", "clusterroles", "clusterrolebindings"} {
		if out := w.kubectl(t, "get", kind, "-o", "name"); strings.Contains(out, "podpass") {
			t.Errorf("left: %s", out)
		}
	}
	until(t, "the workloads are gone", func() error {
		_, err := w.client.AppsV1().Deployments(system).Get(t.Context(), "podpass-webhook", meta.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errThere
	})
	for _, m := range mechanisms {
		if err := untouched(w.createPod(t, namespace, newPod(m.account, m.account, gated))); err != nil {
			t.Error(err)
		}
	}
	// And it can be installed again.
	w.progress("installing again")
	if _, err := w.install(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	for _, m := range mechanisms {
		w.createPod(t, namespace, newPod(m.account+"-again", m.account))
		w.wantCaller(t, namespace, m.account+"-again", "main", namespace+"-"+m.account)
	}
}
