//go:build e2e

package cluster_test

import (
	"context"
	"strings"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The service account of source 001 with an association instead of the annotation: container credentials, from the agent on the node.
func TestPodIdentity(t *testing.T) {
	w := shared(t)
	w.grant(t, podIdentityRole("my-pod-role", "default", "my-service-account"))
	w.removeLater(t, "serviceaccount/my-service-account", "deployment/my-app")
	t.Cleanup(func() { w.explain(t, "default") })
	client := w.eks(t)
	id, err := associate(t.Context(), client, "default", "my-service-account", "my-pod-role")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dissociate(context.Background(), client, id); err != nil {
			t.Error(err)
		}
	})
	w.shell(t, "kubectl create serviceaccount my-service-account")
	w.shell(t, myDeployment)
	w.shell(t, "kubectl apply -f my-deployment.yaml")
	w.kubectl(t, "rollout", "status", "deployment/my-app", "--timeout=3m")
	if got := w.shell(t, "kubectl get pods -l app=my-app,eks.amazonaws.com/pod-identity=enabled -o name"); !strings.HasPrefix(got, "pod/my-app-") {
		t.Errorf("no pod has the label: %q", got)
	}
	name := w.myApp(t)
	pod, err := w.client.CoreV1().Pods("default").Get(t.Context(), name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := podIdentity(pod); err != nil {
		t.Error(err)
	}
	w.wantCaller(t, "default", name, "my-app", "my-pod-role")
}

// An association goes before an annotation, and says so.
func TestPodIdentityBeforeIRSA(t *testing.T) {
	w := shared(t)
	namespace := w.namespace(t, "both", nil)
	w.grant(t, podIdentityRole("both-pod", namespace, "web")+irsaRole("both-irsa", namespace, "web")+association(namespace, "web", "both-pod"))
	w.serviceAccount(t, namespace, "web", roleARN("both-irsa"))
	said := w.must(t, manifest(t, typed(namespace, newPod("web", "web"))), "bash", "-c", "kubectl apply -f - 2>&1")
	if !strings.Contains(said, "Warning: ") {
		t.Errorf("both mechanisms on one account, and no warning: %s", said)
	}
	pod, err := w.client.CoreV1().Pods(namespace).Get(t.Context(), "web", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := podIdentity(pod); err != nil {
		t.Error(err)
	}
	w.wantCaller(t, namespace, "web", "main", "both-pod")
}

// IRSA through the agent: the account has the annotation, the pod gets container credentials, and the role's own trust policy decides.
func TestPodIdentityOfIRSA(t *testing.T) {
	w := shared(t)
	namespace := w.namespace(t, "through", nil)
	w.grant(t, irsaRole("through-agent", namespace, "web"))
	w.serviceAccount(t, namespace, "web", roleARN("through-agent"))
	w.serviceAccount(t, namespace, "other", roleARN("through-agent"))
	w.kubectl(t, "annotate", "serviceaccount", "-n", namespace, "web", "other", "podpass.io/through-agent=true")
	pod := w.createPod(t, namespace, newPod("web", "web"))
	if uri := variable(pod.Spec.Containers[0], "AWS_CONTAINER_CREDENTIALS_FULL_URI"); !strings.HasPrefix(uri, agentURI+"?role-arn=") {
		t.Errorf("the pod's credentials are at %q", uri)
	}
	if got := variable(pod.Spec.Containers[0], "AWS_ROLE_ARN"); got != "" {
		t.Errorf("the pod has a role as well: %s", got)
	}
	w.wantCaller(t, namespace, "web", "main", "through-agent")

	// The URL grants nothing: an account the role does not trust is refused.
	w.createPod(t, namespace, newPod("other", "other"))
	var lines []said
	until(t, "the other pod has asked", func() (err error) {
		if lines, err = w.lines(t.Context(), namespace, "other", "main"); err == nil && len(lines) == 0 {
			err = errNothing
		}
		return err
	})
	if lines[0].Error == "" || lines[0].ARN != "" {
		t.Errorf("an account that the role does not trust got %+v", lines[0])
	}
}
