//go:build e2e

package cluster_test

import (
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const stsEndpoint = "https://podpass-server." + system + ".svc:8600"

// Source 001 again: "you can configure pods by hand", without the webhook. Such a pod gets its identity, and nothing is added to it, whether
// or not its account has the annotation.
func TestSource001ByHand(t *testing.T) {
	w := shared(t)
	for name, annotation := range map[string]string{"annotated": roleARN("by-hand"), "plain": ""} {
		t.Run(name, func(t *testing.T) {
			namespace := w.namespace(t, "by-hand", nil)
			w.grant(t, irsaRole("by-hand", namespace, "web"))
			w.serviceAccount(t, namespace, "web", annotation)
			written := w.byHand(t, namespace, "web", "web", "by-hand")
			w.applyPod(t, written)
			w.wantCaller(t, namespace, "web", "main", "by-hand")
			w.wantAsWritten(t, written)
		})
	}
}

// byHand is a pod that has everything IRSA needs, and reaches our STS. The CA it needs for that is a ConfigMap beside it.
func (w *world) byHand(t *testing.T, namespace, name, serviceAccount, role string) *core.Pod {
	t.Helper()
	ca, err := w.client.CoreV1().ConfigMaps(system).Get(t.Context(), "podpass-ca", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, ca.Data["ca.crt"], "bash", "-c", "kubectl create configmap by-hand -n "+namespace+
		" --from-file=ca.crt=/dev/stdin --dry-run=client -o yaml | kubectl apply -f -")
	pod := newPod(name, serviceAccount)
	pod.Namespace, pod.TypeMeta = namespace, meta.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	main := &pod.Spec.Containers[0]
	main.Env = []core.EnvVar{
		{Name: "AWS_REGION", Value: region},
		{Name: "AWS_STS_REGIONAL_ENDPOINTS", Value: "regional"},
		{Name: "AWS_ROLE_ARN", Value: roleARN(role)},
		{Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: tokenPath},
		{Name: "AWS_ENDPOINT_URL_STS", Value: stsEndpoint},
		{Name: "AWS_CA_BUNDLE", Value: "/etc/by-hand/ca.crt"},
	}
	main.VolumeMounts = []core.VolumeMount{
		{Name: "aws-iam-token", MountPath: "/var/run/secrets/eks.amazonaws.com/serviceaccount", ReadOnly: true},
		{Name: "ca", MountPath: "/etc/by-hand", ReadOnly: true},
	}
	token := core.ServiceAccountTokenProjection{Audience: "sts.amazonaws.com", ExpirationSeconds: new(int64(86400)), Path: "token"}
	pod.Spec.Volumes = []core.Volume{
		{Name: "aws-iam-token", VolumeSource: core.VolumeSource{Projected: &core.ProjectedVolumeSource{
			Sources: []core.VolumeProjection{{ServiceAccountToken: &token}},
		}}},
		{Name: "ca", VolumeSource: core.VolumeSource{ConfigMap: &core.ConfigMapVolumeSource{LocalObjectReference: core.LocalObjectReference{Name: "by-hand"}}}},
	}
	return pod
}

// applyPod is kubectl apply of a pod, and what that says.
func (w *world) applyPod(t *testing.T, pod *core.Pod) string {
	t.Helper()
	return w.apply(t, manifest(t, pod))
}

func manifest(t *testing.T, object any) string {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantAsWritten wants a pod to have been given nothing but what Kubernetes itself adds.
func (w *world) wantAsWritten(t *testing.T, written *core.Pod) {
	t.Helper()
	pod, err := w.client.CoreV1().Pods(written.Namespace).Get(t.Context(), written.Name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(pod), names(written); !slices.Equal(got, want) {
		t.Errorf("the pod has\n%s\nwritten was\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// names is everything of a pod that a webhook of ours could have added, without what the service account's own admission adds.
func names(pod *core.Pod) []string {
	const own = "kube-api-access-"
	var all []string
	for name, value := range pod.Labels {
		all = append(all, "label "+name+"="+value)
	}
	for _, v := range pod.Spec.Volumes {
		if !strings.HasPrefix(v.Name, own) {
			all = append(all, "volume "+v.Name)
		}
	}
	for _, c := range containers(pod) {
		for _, v := range c.Env {
			all = append(all, c.Name+" "+v.Name+"="+v.Value)
		}
		for _, m := range c.VolumeMounts {
			if !strings.HasPrefix(m.Name, own) {
				all = append(all, c.Name+" mount "+m.Name+" "+m.MountPath)
			}
		}
	}
	slices.Sort(all)
	return all
}
