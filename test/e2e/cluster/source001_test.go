//go:build e2e

package cluster_test

import (
	"regexp"
	"strings"
	"testing"
)

// myDeployment is the manifest of the page, with the version filled in.
const myDeployment = `cat >my-deployment.yaml <<EOF
apiVersion: apps/v1
kind: Deployment
metadata:
  name: my-app
spec:
  selector:
    matchLabels:
      app: my-app
  template:
    metadata:
      labels:
        app: my-app
    spec:
      serviceAccountName: my-service-account
      containers:
      - name: my-app
        image: public.ecr.aws/nginx/nginx:1.27
EOF`

// "Configure Pods to use a Kubernetes service account" (the Chinese and the Korean page), command by command, in the page's namespace: the default one.
func TestSource001(t *testing.T) {
	w := shared(t)
	w.grant(t, irsaRole("my-role", "default", "my-service-account"))
	w.removeLater(t, "serviceaccount/my-service-account", "deployment/my-app")
	t.Cleanup(func() { w.explain(t, "default") })
	w.shell(t, "kubectl create serviceaccount my-service-account")
	w.shell(t, "kubectl annotate serviceaccount my-service-account eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/my-role")

	w.shell(t, myDeployment)
	w.shell(t, "kubectl apply -f my-deployment.yaml")
	w.kubectl(t, "rollout", "status", "deployment/my-app", "--timeout=3m")
	pod := w.myApp(t)
	if got, want := w.shell(t, "kubectl describe pod "+pod+" | grep AWS_ROLE_ARN:"), "AWS_ROLE_ARN:                 arn:aws:iam::111122223333:role/my-role"; strings.TrimSpace(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := w.shell(t, "kubectl describe pod "+pod+" | grep AWS_WEB_IDENTITY_TOKEN_FILE:"), "AWS_WEB_IDENTITY_TOKEN_FILE:  /var/run/secrets/eks.amazonaws.com/serviceaccount/token"; strings.TrimSpace(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := w.shell(t, `kubectl describe deployment my-app | grep "Service Account"`); !regexp.MustCompile(`(?m)^ *Service Account: +my-service-account$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
	w.wantCaller(t, "default", pod, "my-app", "my-role")
}

// myApp is the pod that the page's listing shows, as it shows it.
func (w *world) myApp(t *testing.T) string {
	t.Helper()
	shown := regexp.MustCompile(`(?m)^(my-app-[a-z0-9]+-[a-z0-9]{5}) +1/1 +Running +0 +[0-9]+[smh0-9]*$`).FindStringSubmatch(w.shell(t, "kubectl get pods | grep my-app"))
	if shown == nil {
		t.Fatal("kubectl get pods | grep my-app does not show the pod as the page does")
	}
	return shown[1]
}
