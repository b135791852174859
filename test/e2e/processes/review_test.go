//go:build e2e

package processes_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// honoured is how long a deleted pod's token may still be exchanged: podpass asks every 15 seconds, and the API server itself answers from a
// cache for up to 10.
const honoured = 30 * time.Second

func TestTokenReview(t *testing.T) {
	t.Parallel() // beside the minute of TestAgentRotatesCredentials
	cluster := shop(t)
	a := up(t, t.TempDir())
	a.must("cluster", "register", "prod", "--token-review", "--kubeconfig", registrar(t, cluster))
	a.apply(role)

	pods := cluster.Client().Pods("shop")
	pod, err := pods.Create(t.Context(), &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "web-0"},
		Spec:       core.PodSpec{ServiceAccountName: "web", Containers: []core.Container{{Name: "web", Image: "none"}}},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token := requestToken(t, cluster, "shop", "web", authentication.TokenRequestSpec{
		Audiences:      []string{"sts.amazonaws.com"},
		BoundObjectRef: &authentication.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	})

	client := sts.NewFromConfig(a.aws())
	exchange := func() error {
		_, err := client.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(roleARN), RoleSessionName: aws.String("e2e"), WebIdentityToken: &token,
		})
		return err
	}
	if err := exchange(); err != nil {
		t.Fatalf("while the pod is there: %v", err)
	}
	if err := pods.Delete(t.Context(), pod.Name, *meta.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	again := time.NewTicker(250 * time.Millisecond)
	defer again.Stop()
	for err = exchange(); err == nil && time.Since(deleted) < honoured; err = exchange() {
		<-again.C
	}
	if code(err) != "InvalidIdentityToken" {
		t.Errorf("%v after the pod was deleted: %v, want InvalidIdentityToken", honoured, err)
	}
	t.Logf("refused %v after the pod was deleted", time.Since(deleted).Round(time.Second))
	a.stop()
}
