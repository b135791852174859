//go:build e2e

package processes_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podpass/podpass/test/kubernetes"
)

// forgotten is how long an agent may serve a deleted pod.
const forgotten = 10 * time.Second

// prodPodRole is podRole for the service account shop/web of the cluster prod.
const prodPodRole = `apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: pods}
spec:
  trust: {cluster: prod, namespace: shop, serviceAccount: web, mechanism: pod-identity}
---
apiVersion: podpass.io/v1alpha1
kind: Association
metadata: {name: web, namespace: shop}
spec: {cluster: prod, role: pods}
`

// makePod makes a pod of shop/web that the API server believes to run on node-1 at the address, and returns it with its token.
func makePod(t *testing.T, cluster *kubernetes.Cluster, name, address string, hostNetwork bool) (*core.Pod, string) {
	t.Helper()
	pods := cluster.Client().Pods("shop")
	pod, err := pods.Create(t.Context(), &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec: core.PodSpec{
			ServiceAccountName: "web", NodeName: "node-1", HostNetwork: hostNetwork, Containers: []core.Container{{Name: "web", Image: "none"}},
		},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase, pod.Status.PodIP, pod.Status.PodIPs = core.PodRunning, address, []core.PodIP{{IP: address}}
	pod.Status.HostIP, pod.Status.HostIPs = "10.244.1.1", []core.HostIP{{IP: "10.244.1.1"}}
	if pod, err = pods.UpdateStatus(t.Context(), pod, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	return pod, requestToken(t, cluster, "shop", "web", authentication.TokenRequestSpec{
		Audiences:      []string{"pods.eks.amazonaws.com"},
		BoundObjectRef: &authentication.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	})
}

// With a real API server: a token is served at its own pod's address only, and not at all soon after the pod is deleted.
func TestAgentFollowsPods(t *testing.T) {
	cluster := shop(t)
	a := up(t, t.TempDir())
	a.must("cluster", "register", "prod", "--kubeconfig", registrar(t, cluster))
	a.apply(prodPodRole)
	n := newNode(t, a)
	apiserver, err := url.Parse(cluster.Config().Host)
	if err != nil {
		t.Fatal(err)
	}
	n.forward(apiserver.Host, apiserver.Host)
	one, two := n.pod(7), n.pod(8)
	first, firstToken := makePod(t, cluster, "web-0", "10.244.1.7", false)
	_, secondToken := makePod(t, cluster, "web-1", "10.244.1.8", false)
	_, hostToken := makePod(t, cluster, "web-host", "10.244.1.1", true)
	agent := n.agent("-c", "prod", "--kubeconfig", cluster.Kubeconfig(t), "--node-name", "node-1", "--bind-pod-addresses")

	served := func(what string, from *namespace, token string) {
		t.Helper()
		if body, err := fetch(t.Context(), from.client(), overIPv4, token); err != nil {
			t.Errorf("%s: %v\n%s", what, err, body)
		}
	}
	refused := func(what, reason string, from *namespace, token string) {
		t.Helper()
		body, err := fetch(t.Context(), from.client(), overIPv4, token)
		if !errors.Is(err, errStatus) || !strings.Contains(err.Error(), "403") || !strings.Contains(body, reason) {
			t.Errorf("%s: %v\n%s", what, err, body)
		}
	}
	served("the first pod", one, firstToken)
	served("the second pod", two, secondToken)
	served("a pod on the host's network", n.namespace, hostToken)
	refused("the first pod's token from the second", "does not have the address 10.244.1.8", two, firstToken)
	refused("the first pod's token from the host", "does not have the address 169.254.170.23", n.namespace, firstToken)

	if err := cluster.Client().Pods("shop").Delete(t.Context(), first.Name, *meta.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	until(t, "the deleted pod is refused", func() bool {
		_, err := fetch(t.Context(), one.client(), overIPv4, firstToken)
		return errors.Is(err, errStatus)
	})
	took := time.Since(deleted)
	t.Logf("refused %v after the pod was deleted", took.Round(time.Millisecond))
	if took > forgotten {
		t.Errorf("a deleted pod was served for %v", took)
	}
	refused("the deleted pod", "has been deleted", one, firstToken)
	served("the other pod", two, secondToken)
	// One call a pod, and none for the deleted one since.
	const calls = `podpass_agent_backend_calls_total{result="obtained"} 3`
	if body, err := fetch(t.Context(), n.client(), "http://127.0.0.1:2705/metrics", ""); err != nil || !strings.Contains(body, calls) {
		t.Errorf("%v, not %s\n%s", err, calls, body)
	}
	agent.stop()
	a.stop()
}
