//go:build e2e

package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/podpass/podpass/stsendpoint"
)

// What sets an account's pods up: one workload of each kind, all of the service account web, and pods that end at once when they are told to.
const stsWorkloads = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: "` + image + `"}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  replicas: 2
  serviceName: store
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec:
      serviceAccountName: web
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: "` + image + `"}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node}
spec:
  selector: {matchLabels: {app: node}}
  template:
    metadata: {labels: {app: node}}
    spec:
      serviceAccountName: web
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: "` + image + `"}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: import}
spec:
  backoffLimit: 20
  template:
    spec:
      serviceAccountName: web
      terminationGracePeriodSeconds: 0
      restartPolicy: Never
      containers: [{name: main, image: "` + image + `"}]
---
apiVersion: v1
kind: Pod
metadata: {name: lone}
spec:
  serviceAccountName: web
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: "` + image + `"}]
`

// sts is one run of podpass sts-endpoint in a namespace.
type sts struct {
	*world
	namespace, kubeconfig string
}

type ran struct {
	stdout, stderr string
	code           int
}

func (s *sts) run(t *testing.T, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := s.command(ctx, "podpass", append([]string{"sts-endpoint"}, append(args, "-n", s.namespace, "--no-account")...)...)
	if s.kubeconfig != "" {
		cmd.Env = append(cmd.Env, "KUBECONFIG="+s.kubeconfig)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	t.Logf("$ podpass %s   # exit %d\n%s%s", strings.Join(cmd.Args[1:], " "), cmd.ProcessState.ExitCode(), stdout.String(), stderr.String())
	return ran{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// wants fails where a run did not end, or did not say, what it should.
func (r ran) wants(t *testing.T, code int, says ...string) {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit %d, want %d", r.code, code)
	}
	for _, text := range says {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Fatalf("it does not say %q", text)
		}
	}
}

// generations are how often each of the workloads that roll was changed.
func (s *sts) generations(t *testing.T) [3]int64 {
	t.Helper()
	apps := s.client.AppsV1()
	d, err1 := apps.Deployments(s.namespace).Get(t.Context(), "web", meta.GetOptions{})
	f, err2 := apps.StatefulSets(s.namespace).Get(t.Context(), "store", meta.GetOptions{})
	n, err3 := apps.DaemonSets(s.namespace).Get(t.Context(), "node", meta.GetOptions{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return [3]int64{d.Generation, f.Generation, n.Generation}
}

func (s *sts) annotation(t *testing.T) (string, bool) {
	t.Helper()
	object, err := s.client.CoreV1().ServiceAccounts(s.namespace).Get(t.Context(), "web", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	value, ok := object.Annotations[endpointAnnotation]
	return value, ok
}

// values are those of the running pods, by name.
func (s *sts) values(t *testing.T) map[string]string {
	t.Helper()
	list, err := s.client.CoreV1().Pods(s.namespace).List(t.Context(), meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, pod := range list.Items {
		if !stsendpoint.Finished(&pod) && pod.Spec.ServiceAccountName == "web" {
			out[pod.Name] = variable(pod.Spec.Containers[0], "AWS_STS_REGIONAL_ENDPOINTS")
		}
	}
	return out
}

// wantValues wants every pod but the named ones to have a value.
func (s *sts) wantValues(t *testing.T, want string, but ...string) {
	t.Helper()
	values := s.values(t)
	if len(values) < 5 {
		t.Fatalf("pods: %v", values)
	}
	for name, value := range values {
		other := slices.ContainsFunc(but, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if (value == want) == other {
			t.Errorf("%s has %q", name, value)
		}
	}
}

func (s *sts) ready(t *testing.T) {
	t.Helper()
	until(t, "every pod of web runs", func() error {
		list, err := s.client.CoreV1().Pods(s.namespace).List(t.Context(), meta.ListOptions{})
		if err != nil {
			return err
		}
		running := 0
		for _, pod := range list.Items {
			if pod.Status.Phase == core.PodRunning && pod.DeletionTimestamp == nil {
				running++
			}
		}
		if running < 7 {
			return fmt.Errorf("%d pods run", running)
		}
		return nil
	})
}

func TestStsEndpoint(t *testing.T) {
	w := shared(t)
	s := &sts{world: w, namespace: w.namespace(t, "sts", nil)}
	w.serviceAccount(t, s.namespace, "web", roleARN("web"))
	w.must(t, stsWorkloads, "kubectl", "apply", "-n", s.namespace, "-f", "-")
	s.ready(t)

	t.Run("steps", func(t *testing.T) { testStsSteps(t, s) })
	t.Run("get", func(t *testing.T) { testStsGet(t, s) })
	t.Run("asks", func(t *testing.T) { testStsAsks(t, s) })
	t.Run("set", func(t *testing.T) { testStsSet(t, s) })
	t.Run("killed", func(t *testing.T) { testStsKilled(t, s) })
	t.Run("denied", func(t *testing.T) { testStsDenied(t, s) })
}

// The page's six steps with the command, of a DaemonSet that stands for the one of the page.
func testStsSteps(t *testing.T, s *sts) {
	s.serviceAccount(t, s.namespace, "aws-node", roleARN("aws-node"))
	s.must(t, strings.ReplaceAll(awsNode, "namespace: kube-system", "namespace: "+s.namespace), "kubectl", "apply", "-f", "-")
	s.kubectl(t, "rollout", "status", "-n", s.namespace, "daemonset/aws-node")
	s.run(t, "get", "daemonset", "aws-node").wants(t, 0, "podpass-node", region, "regional")
	for _, step := range [][]string{{"global", "legacy"}, {"regional", "regional"}, {"global", "legacy"}, {"default", "regional"}} {
		s.run(t, "set", step[0], "serviceaccount", "aws-node", "--yes").wants(t, 0, "1 of 1 pod confirmed: "+step[0], "daemonset "+s.namespace+"/aws-node: restarted")
		s.shell(t, "kubectl describe pod -l k8s-app=aws-node -n "+s.namespace+" | grep 'AWS_STS_REGIONAL_ENDPOINTS: *"+step[1]+"'")
	}
	s.kubectl(t, "delete", "-n", s.namespace, "daemonset/aws-node", "serviceaccount/aws-node", "--wait")
}

// Steps 1 and 2 of the page: the node, the region, the type, and why.
func testStsGet(t *testing.T, s *sts) {
	s.run(t, "get", "pod", "lone").wants(t, 0, "us-west-2", "regional", "the cluster's default", "s3.us-west-2.amazonaws.com")
	s.run(t, "get", "deployment/none").wants(t, 1, "has no deployment none")
	plugin := s.shell(t, "kubectl podpass sts-endpoint get -n "+s.namespace+" 2>&1")
	if !strings.Contains(plugin, "could not look: the cluster's network") {
		t.Error("the account of the installed podpass was not asked")
	}
	var report stsendpoint.Report
	out := s.run(t, "get", "-o", "json")
	if err := json.Unmarshal([]byte(out.stdout), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Pods) != 7 || len(report.Accounts) != 1 {
		t.Fatalf("%d pods, %d accounts", len(report.Pods), len(report.Accounts))
	}
	for _, p := range report.Pods {
		c := p.Containers[0]
		if p.Node == "" || p.Region != region || c.Type != stsendpoint.Regional || c.Identity != "IRSA" || c.Standing != stsendpoint.Fits || p.Kind == "ReplicaSet" {
			t.Errorf("%+v", p)
		}
	}
	if a := report.Accounts[0]; a.Annotation != nil || !a.Exact || !slices.Equal(a.NewPods, []string{"regional"}) {
		t.Errorf("%+v", a)
	}
}

// Nothing is changed where nobody can be asked, by a dry run, or for what is not there. A tool that keeps the account is named.
func testStsAsks(t *testing.T, s *sts) {
	before := s.generations(t)
	s.run(t, "set", "global", "sa", "web").wants(t, 2, "nothing was changed", "--yes")
	s.kubectl(t, "annotate", "serviceaccount", "-n", s.namespace, "web", "meta.helm.sh/release-name=web", "meta.helm.sh/release-namespace=shop")
	s.run(t, "set", "global", "deployment", "web", "--dry-run").wants(t, 0, "Helm release shop/web", "restart", "deployment "+s.namespace+"/web", "statefulset", "daemonset",
		"job "+s.namespace+"/import", "pod "+s.namespace+"/lone", "--delete-pods", "<bucket>.s3.amazonaws.com")
	s.run(t, "set", "global", "sa", "none", "--yes").wants(t, 2, "does not exist")
	if value, ok := s.annotation(t); ok || s.generations(t) != before {
		t.Errorf("annotation %q, generations %v, before %v", value, s.generations(t), before)
	}
	s.kubectl(t, "annotate", "serviceaccount", "-n", s.namespace, "web", "meta.helm.sh/release-name-", "meta.helm.sh/release-namespace-")
}

// Steps 3 to 6: the annotation, the pods, and a look at them. What no rollout replaces is left alone, until that is asked for.
func testStsSet(t *testing.T, s *sts) {
	before := s.generations(t)
	lone, err := s.client.CoreV1().Pods(s.namespace).Get(t.Context(), "lone", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, "set", "global", "serviceaccount", "web", "--yes").wants(t, 1, "5 of 7 pods confirmed", "job "+s.namespace+"/import", "pod "+s.namespace+"/lone", "--delete-pods")
	once := s.generations(t)
	if value, _ := s.annotation(t); value != "false" || once != [3]int64{before[0] + 1, before[1] + 1, before[2] + 1} {
		t.Fatalf("annotation %q, generations %v after %v", value, once, before)
	}
	s.wantValues(t, "legacy", "lone", "import")
	if now, err := s.client.CoreV1().Pods(s.namespace).Get(t.Context(), "lone", meta.GetOptions{}); err != nil || now.UID != lone.UID {
		t.Fatalf("pod lone: %v", err)
	}
	s.run(t, "get").wants(t, 0, "OlderThanSetting", "global")

	s.run(t, "set", "global", "serviceaccount", "web", "--yes", "--delete-pods").wants(t, 0, "confirmed: ")
	s.wantValues(t, "legacy")
	if _, there := s.values(t)["lone"]; there {
		t.Error("pod lone is still there")
	}
	s.run(t, "set", "global", "serviceaccount", "web", "--yes", "--delete-pods").wants(t, 0, "no pod has to be made anew")
	var result stsendpoint.Result
	out := s.run(t, "set", "global", "serviceaccount/web", "--yes", "-o", "json")
	if err := json.Unmarshal([]byte(out.stdout), &result); err != nil || out.code != 0 || result.Confirmed != len(result.Pods) || result.Accounts[0].Changes {
		t.Errorf("%v: %+v", err, result)
	}
	if again := s.generations(t); again != once {
		t.Errorf("generations %v after %v: it was restarted again", again, once)
	}
}

// A process that is killed when it has set the annotation, or has begun to restart, leaves nothing that the next run does not finish, and nothing is
// restarted twice.
func testStsKilled(t *testing.T, s *sts) {
	for _, step := range []struct {
		typ, annotation, value string
		at                     func(before [3]int64) bool
	}{
		{"regional", "true", "regional", func([3]int64) bool { value, _ := s.annotation(t); return value == "true" }},
		{"global", "false", "legacy", func(before [3]int64) bool { return s.generations(t) != before }},
	} {
		before := s.generations(t)
		// At two requests a second there is time to see it at work.
		cmd := s.command(t.Context(), "podpass", "sts-endpoint", "set", step.typ, "sa", "web", "-n", s.namespace, "--no-account", "--yes", "--kube-rate", "2")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "it has begun", func() error {
			if !step.at(before) {
				return errNothing
			}
			return nil
		})
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		at := s.generations(t)
		t.Logf("killed at generations %v after %v", at, before)
		if at == [3]int64{before[0] + 1, before[1] + 1, before[2] + 1} {
			t.Error("it was killed too late to be of use")
		}
		s.run(t, "set", step.typ, "sa", "web", "--yes", "--delete-pods").wants(t, 0, "confirmed: ")
		s.wantValues(t, step.value)
		if value, _ := s.annotation(t); value != step.annotation {
			t.Errorf("annotation %q", value)
		}
		for i, generation := range s.generations(t) {
			if generation != before[i]+1 {
				t.Errorf("%s: generations %v after %v", step.typ, s.generations(t), before)
				break
			}
		}
	}
}

// Somebody who may annotate and not restart is told what was done, what was not, and both ways from there.
func testStsDenied(t *testing.T, s *sts) {
	s.must(t, `apiVersion: v1
kind: ServiceAccount
metadata: {name: operator}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator}
rules:
- {apiGroups: ["", apps, batch], resources: [pods, serviceaccounts, configmaps, deployments, replicasets, statefulsets, daemonsets, replicationcontrollers, jobs, cronjobs], verbs: [get, list]}
- {apiGroups: [""], resources: [pods], verbs: [create]}
- {apiGroups: [""], resources: [serviceaccounts], verbs: [patch]}
- {apiGroups: [apps], resources: [statefulsets], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}
subjects: [{kind: ServiceAccount, name: operator}]
`, "kubectl", "apply", "-n", s.namespace, "-f", "-")
	token, err := s.client.CoreV1().ServiceAccounts(s.namespace).CreateToken(t.Context(), "operator", &authentication.TokenRequest{}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	denied := &sts{world: s.world, namespace: s.namespace, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: s.config.Host, CertificateAuthorityData: s.config.CAData, CertificateAuthority: s.config.CAFile}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {Token: token.Status.Token}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	}, denied.kubeconfig); err != nil {
		t.Fatal(err)
	}
	denied.run(t, "set", "regional", "sa", "web", "--yes").wants(t, 1, "forbidden",
		"done: service account "+s.namespace+`/web: annotation changed from "false" to "true"`, "statefulset "+s.namespace+"/store restarted",
		"not done: restart of deployment "+s.namespace+"/web", "not done: restart of daemonset "+s.namespace+"/node",
		"sts-endpoint set regional serviceaccount web -n "+s.namespace, "sts-endpoint set global -n "+s.namespace+" serviceaccount web --no-account --yes   # goes back", "could not look: the regions of nodes")
	s.run(t, "set", "regional", "sa", "web", "--yes", "--delete-pods").wants(t, 0, "confirmed: ")
}
