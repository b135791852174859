//go:build e2e

package cluster_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// awsNode is a DaemonSet that stands for Amazon's CNI plugin, which the page uses: same name, account, namespace and label.
const awsNode = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: aws-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: aws-node}}
  template:
    metadata: {labels: {k8s-app: aws-node}}
    spec:
      serviceAccountName: aws-node
      terminationGracePeriodSeconds: 0
      containers:
      - {name: aws-node, image: "` + image + `"}
`

const endpointAnnotation = "eks.amazonaws.com/sts-regional-endpoints"

// "Configure the AWS Security Token Service endpoint for a service account", command by command, for each value the annotation may have.
func TestSource000(t *testing.T) {
	w := shared(t)
	t.Cleanup(func() { w.explain(t, "kube-system") })
	w.grant(t, irsaRole("aws-node", "kube-system", "aws-node"))
	w.removeLater(t, "-n", "kube-system", "daemonset/aws-node", "serviceaccount/aws-node")
	w.shell(t, "kubectl create serviceaccount -n kube-system aws-node")
	w.shell(t, "kubectl annotate serviceaccount -n kube-system aws-node eks.amazonaws.com/role-arn="+roleARN("aws-node"))
	w.apply(t, awsNode)
	pod := w.awsNode(t, "")
	if got := w.shell(t, "kubectl describe pod "+pod+" -n kube-system |grep Node:"); !regexp.MustCompile(`(?m)^Node: +[a-z0-9.-]+/[0-9.]+$`).MatchString(got) {
		t.Errorf("got %q", got)
	}

	// Absent: from Kubernetes 1.22 on the endpoint is the regional one.
	w.wantEndpoint(t, pod, "regional")
	for _, step := range []struct{ command, want string }{
		{endpointAnnotation + "=true", "regional"},
		{"--overwrite " + endpointAnnotation + "=false", "legacy"}, // SDKs reject "global"
		{"--overwrite " + endpointAnnotation + "=true", "regional"},
		{"--overwrite " + endpointAnnotation + "=sometimes", "regional"},
		{endpointAnnotation + "-", "regional"},
	} {
		w.shell(t, "kubectl annotate serviceaccount -n kube-system aws-node "+step.command)
		// What runs already is left alone.
		before := w.shell(t, "kubectl describe pod "+pod+" -n kube-system |grep AWS_STS_REGIONAL_ENDPOINTS")
		w.shell(t, "kubectl delete pods -n kube-system -l k8s-app=aws-node")
		next := w.awsNode(t, pod)
		w.wantEndpoint(t, next, step.want)
		if t.Failed() {
			t.Fatalf("after %s; the pod before had %s", step.command, before)
		}
		pod = next
	}
	w.wantCaller(t, "kube-system", pod, "aws-node", "aws-node")

	// Nonsense is said to be so to whoever creates a pod.
	w.shell(t, "kubectl annotate serviceaccount -n kube-system aws-node "+endpointAnnotation+"=sometimes")
	warned := w.must(t, manifest(t, typed("kube-system", newPod("nonsense", "aws-node"))), "bash", "-c", "kubectl apply --dry-run=server -f - 2>&1")
	if !strings.Contains(warned, "Warning: ") || !strings.Contains(warned, "sometimes") {
		t.Errorf("no warning about the value: %s", warned)
	}
}

// awsNode is the name of the running pod, once it is another than old.
func (w *world) awsNode(t *testing.T, old string) (name string) {
	t.Helper()
	running := regexp.MustCompile(`(?m)^(aws-node-[a-z0-9]{5}) +1/1 +Running `)
	until(t, "aws-node runs", func() error {
		out, err := w.run(t.Context(), "", "kubectl", "get", "pods", "-n", "kube-system", "-l", "k8s-app=aws-node")
		if err != nil {
			return err
		}
		for _, found := range running.FindAllStringSubmatch(out, -1) {
			if found[1] != old {
				name = found[1]
				return nil
			}
		}
		return errors.New(out)
	})
	return name
}

func (w *world) wantEndpoint(t *testing.T, pod, want string) {
	t.Helper()
	got := w.shell(t, "kubectl describe pod "+pod+" -n kube-system |grep AWS_STS_REGIONAL_ENDPOINTS")
	if line := strings.Fields(got); fmt.Sprint(line) != fmt.Sprint([]string{"AWS_STS_REGIONAL_ENDPOINTS:", want}) {
		t.Errorf("got %q, want %s", got, want)
	}
}

// typed is a pod as kubectl wants it in a manifest.
func typed(namespace string, pod *core.Pod) *core.Pod {
	pod.Namespace, pod.TypeMeta = namespace, meta.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	return pod
}
