//go:build e2e

package processes_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	admission "k8s.io/api/admissionregistration/v1"
	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	admissionclient "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/test/kubernetes"
)

// webhookRace is how often each race is run.
const webhookRace = 1000

// A real API server calls a webhook that keeps its own certificate, reads the accounts from that API server and follows the associations of a real
// authority with the role of its own service account. Whatever was committed before a pod is in the pod.
func TestWebhookRace(t *testing.T) {
	t.Parallel() // beside the minute of TestAgentRotatesCredentials
	cluster := kubernetes.Start(t)
	for _, name := range []string{"shop", "podpass-system"} {
		makeNamespace(t, cluster, name)
	}
	makeAccount(t, cluster, "podpass-system", "podpass-webhook", nil)
	a := up(t, t.TempDir())
	a.must("cluster", "register", "prod", "--kubeconfig", registrar(t, cluster))
	a.apply(podRole)
	startWebhook(t, a, cluster)

	client := unlimited(t, cluster)
	race := func(what, want string, commit func(i int, account string) error) {
		t.Helper()
		began := time.Now()
		var missed, made atomic.Int32
		var group sync.WaitGroup
		for worker := range 4 {
			group.Go(func() {
				for i := worker; i < webhookRace; i += 4 {
					account := fmt.Sprintf("%s-%d", what, i)
					if err := commit(i, account); err != nil {
						t.Errorf("%s: %v", account, err)
						return
					}
					pod, err := client.Pods("shop").Create(t.Context(), podOf(account), meta.CreateOptions{})
					if err != nil {
						t.Errorf("pod of %s: %v", account, err)
						return
					}
					made.Add(1)
					if !slices.ContainsFunc(pod.Spec.Containers[0].Env, func(e core.EnvVar) bool { return e.Name == want }) {
						missed.Add(1)
					}
				}
			})
		}
		group.Wait()
		t.Logf("%s: %d pods, %d missed, in %v", what, made.Load(), missed.Load(), time.Since(began).Round(time.Millisecond))
		if made.Load() != webhookRace || missed.Load() != 0 {
			t.Errorf("%s: %d of %d pods went without %s", what, missed.Load(), made.Load(), want)
		}
	}
	create := func(name string, annotations map[string]string) error {
		_, err := client.ServiceAccounts("shop").Create(t.Context(),
			&core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: name, Annotations: annotations}}, meta.CreateOptions{})
		return err
	}
	race("annotated", "AWS_ROLE_ARN", func(_ int, account string) error {
		return create(account, map[string]string{"eks.amazonaws.com/role-arn": roleARN})
	})
	associations := eks.NewFromConfig(a.aws())
	race("associated", "AWS_CONTAINER_CREDENTIALS_FULL_URI", func(_ int, account string) error {
		_, err := associations.CreatePodIdentityAssociation(t.Context(), &eks.CreatePodIdentityAssociationInput{
			ClusterName: aws.String("prod"), Namespace: aws.String("shop"), ServiceAccount: &account, RoleArn: aws.String("arn:aws:iam::111122223333:role/pods"),
		})
		if err != nil {
			return err
		}
		return create(account, nil)
	})
	if err := create("changing", map[string]string{"eks.amazonaws.com/role-arn": roleARN}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		want := fmt.Sprintf("%s-%d", roleARN, i)
		account := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: "changing", Annotations: map[string]string{"eks.amazonaws.com/role-arn": want}}}
		if _, err := client.ServiceAccounts("shop").Update(t.Context(), account, meta.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		pod, err := client.Pods("shop").Create(t.Context(), podOf("changing"), meta.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(pod.Spec.Containers[0].Env, func(e core.EnvVar) bool { return e.Name == "AWS_ROLE_ARN" && e.Value == want }) {
			t.Fatalf("change %d: the pod has not role %s: %v", i, want, pod.Spec.Containers[0].Env)
		}
	}
}

// unlimited is a client without limits of its own.
func unlimited(t *testing.T, cluster *kubernetes.Cluster) *coreclient.CoreV1Client {
	t.Helper()
	config := rest.CopyConfig(cluster.Config())
	config.QPS = -1
	client, err := coreclient.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func podOf(account string) *core.Pod {
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{GenerateName: account + "-"},
		Spec:       core.PodSpec{ServiceAccountName: account, Containers: []core.Container{{Name: "app", Image: "app"}}},
	}
}

// startWebhook registers a webhook with failurePolicy Fail, so that nothing but it can let a pod through, and starts it.
func startWebhook(t *testing.T, a *authority, cluster *kubernetes.Cluster) {
	t.Helper()
	configurations, err := admissionclient.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	none, fail, scope := admission.SideEffectClassNone, admission.Fail, admission.NamespacedScope
	_, err = configurations.MutatingWebhookConfigurations().Create(t.Context(), &admission.MutatingWebhookConfiguration{
		ObjectMeta: meta.ObjectMeta{Name: "podpass"},
		Webhooks: []admission.MutatingWebhook{{
			Name: "pods.podpass.io", ClientConfig: admission.WebhookClientConfig{URL: aws.String("https://localhost:" + port + "/mutate")},
			Rules: []admission.RuleWithOperations{{
				Operations: []admission.OperationType{admission.Create},
				Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}, Scope: &scope},
			}},
			FailurePolicy: &fail, SideEffects: &none, AdmissionReviewVersions: []string{"v1", "v1beta1"}, TimeoutSeconds: aws.Int32(10),
		}},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	token := filepath.Join(t.TempDir(), "token")
	text := requestToken(t, cluster, "podpass-system", "podpass-webhook", authentication.TokenRequestSpec{Audiences: []string{"sts.amazonaws.com"}})
	if err := os.WriteFile(token, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(binDir, "podpass"), "webhook", "--kubeconfig", cluster.Kubeconfig(t), "--server", a.url, "--cluster-name", "prod",
		"--namespace", "podpass-system", "--service-name", "localhost", "--certificate-secret", "podpass-webhook-certificate",
		"--webhook-configuration", "podpass", "--bind-address", "127.0.0.1", "--port", port, "--metrics-port", "0", "--guard", "--shutdown-delay", "0s")
	cmd.Env = []string{
		"HOME=" + t.TempDir(), "AWS_REGION=us-west-2", "AWS_WEB_IDENTITY_TOKEN_FILE=" + token, "AWS_ROLE_ARN=arn:aws:iam::111122223333:role/podpass/podpass-webhook-prod",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w := startAgent(t, cmd)
	if !strings.HasPrefix(w.ready, "ready https://") {
		t.Fatalf("podpass webhook printed %q", w.ready)
	}
	t.Cleanup(w.stop)
}
