//go:build e2e

package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	roleAnnotation = "eks.amazonaws.com/role-arn"
	tokenPath      = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
	agentURI       = "http://169.254.170.23/v1/credentials"
	agentTokenPath = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"
	podLabel       = "eks.amazonaws.com/pod-identity"
)

// roleARN is the ARN of a role in the account of the installation.
func roleARN(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

// newPod is a pod of the workload which asks once. change makes it another one.
func newPod(name, serviceAccount string, change ...func(*core.Pod)) *core.Pod {
	pod := &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec: core.PodSpec{
			ServiceAccountName: serviceAccount, RestartPolicy: core.RestartPolicyNever, TerminationGracePeriodSeconds: new(int64),
			Containers: []core.Container{{Name: "main", Image: image, Args: []string{"-once"}}},
		},
	}
	for _, f := range change {
		f(pod)
	}
	return pod
}

// gated keeps a pod from ever being scheduled: it is judged as it was admitted, and costs the node nothing.
func gated(pod *core.Pod) {
	pod.Spec.SchedulingGates = []core.PodSchedulingGate{{Name: "e2e.podpass.io/never"}}
}

// looping asks for as long as the pod lives, each time anew where fresh.
func looping(flags ...string) func(*core.Pod) {
	return func(pod *core.Pod) { pod.Spec.Containers[0].Args = append([]string{}, flags...) }
}

func (w *world) createPod(t *testing.T, namespace string, pod *core.Pod) *core.Pod {
	t.Helper()
	made, err := w.client.CoreV1().Pods(namespace).Create(t.Context(), pod, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// said is one line of the workload.
type said struct {
	ARN      string `json:"arn"`
	Key      string `json:"accessKeyId"`
	Token    string `json:"token"`
	IssuedAt int64  `json:"issuedAt"`
	Error    string `json:"error"`
}

var (
	errNothing = errors.New("nothing is said yet")
	errThere   = errors.New("it is still there")
)

// lines is what a container has said so far.
func (w *world) lines(ctx context.Context, namespace, pod, container string) ([]said, error) {
	raw, err := w.client.CoreV1().Pods(namespace).GetLogs(pod, &core.PodLogOptions{Container: container}).DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	var all []said
	for text := range strings.Lines(string(raw)) {
		var one said
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			return nil, fmt.Errorf("%s/%s says %q", namespace, pod, text)
		}
		all = append(all, one)
	}
	return all, nil
}

// wantCaller waits until a container of a pod has said who it is, and wants it to be a session of the role.
func (w *world) wantCaller(t *testing.T, namespace, pod, container, role string) {
	t.Helper()
	var lines []said
	until(t, namespace+"/"+pod+" says who it is", func() (err error) {
		if lines, err = w.lines(t.Context(), namespace, pod, container); err == nil && len(lines) == 0 {
			err = errNothing
		}
		return err
	})
	if prefix := "arn:aws:sts::" + account + ":assumed-role/" + role + "/"; !strings.HasPrefix(lines[0].ARN, prefix) {
		t.Errorf("%s/%s is %+v, want %s...", namespace, pod, lines[0], prefix)
	}
}

// containers are all of a pod that admission may change.
func containers(pod *core.Pod) []core.Container {
	return slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
}

func variable(c core.Container, name string) string {
	for _, v := range c.Env {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// irsa says what a pod lacks of what IRSA needs, in every container.
func irsa(pod *core.Pod, role string) error {
	for _, c := range containers(pod) {
		if got := variable(c, "AWS_ROLE_ARN"); got != role {
			return fmt.Errorf("%s/%s: AWS_ROLE_ARN of %s is %q, want %q", pod.Namespace, pod.Name, c.Name, got, role)
		}
		if got := variable(c, "AWS_WEB_IDENTITY_TOKEN_FILE"); got != tokenPath {
			return fmt.Errorf("%s/%s: AWS_WEB_IDENTITY_TOKEN_FILE of %s is %q", pod.Namespace, pod.Name, c.Name, got)
		}
		if err := mounted(pod, c, "aws-iam-token"); err != nil {
			return err
		}
	}
	return audience(pod, "aws-iam-token", "sts.amazonaws.com")
}

// podIdentity says what a pod lacks of what Pod Identity needs, in every container.
func podIdentity(pod *core.Pod) error {
	if got := pod.Labels[podLabel]; got != "enabled" {
		return fmt.Errorf("%s/%s: label %s is %q", pod.Namespace, pod.Name, podLabel, got)
	}
	for _, c := range containers(pod) {
		if got := variable(c, "AWS_CONTAINER_CREDENTIALS_FULL_URI"); got != agentURI {
			return fmt.Errorf("%s/%s: AWS_CONTAINER_CREDENTIALS_FULL_URI of %s is %q", pod.Namespace, pod.Name, c.Name, got)
		}
		if got := variable(c, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); got != agentTokenPath {
			return fmt.Errorf("%s/%s: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE of %s is %q", pod.Namespace, pod.Name, c.Name, got)
		}
		if got := variable(c, "AWS_ROLE_ARN"); got != "" {
			return fmt.Errorf("%s/%s: %s has a role as well: %s", pod.Namespace, pod.Name, c.Name, got)
		}
		if err := mounted(pod, c, "eks-pod-identity-token"); err != nil {
			return err
		}
	}
	return audience(pod, "eks-pod-identity-token", "pods.eks.amazonaws.com")
}

func mounted(pod *core.Pod, c core.Container, volume string) error {
	if !slices.ContainsFunc(c.VolumeMounts, func(m core.VolumeMount) bool { return m.Name == volume && m.ReadOnly }) {
		return fmt.Errorf("%s/%s: %s has no read-only mount of %s", pod.Namespace, pod.Name, c.Name, volume)
	}
	return nil
}

// audience wants a projected token of the audience.
func audience(pod *core.Pod, volume, want string) error {
	for _, v := range pod.Spec.Volumes {
		if v.Name == volume && v.Projected != nil {
			for _, s := range v.Projected.Sources {
				if s.ServiceAccountToken != nil && s.ServiceAccountToken.Audience == want {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("%s/%s: volume %s holds no token for %s", pod.Namespace, pod.Name, volume, want)
}

// untouched says what a pod has of ours that it should not have.
func untouched(pod *core.Pod) error {
	for _, c := range containers(pod) {
		for _, v := range c.Env {
			if strings.HasPrefix(v.Name, "AWS_") {
				return fmt.Errorf("%s/%s: %s has %s=%s", pod.Namespace, pod.Name, c.Name, v.Name, v.Value)
			}
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.Name == "aws-iam-token" || v.Name == "eks-pod-identity-token" {
			return fmt.Errorf("%s/%s has the volume %s", pod.Namespace, pod.Name, v.Name)
		}
	}
	if _, ok := pod.Labels[podLabel]; ok {
		return fmt.Errorf("%s/%s has the label %s", pod.Namespace, pod.Name, podLabel)
	}
	return nil
}

// irsaRole is a role of the installation's account that trusts a service account through IRSA.
func irsaRole(name, namespace, serviceAccount string) string {
	return role(name, namespace, serviceAccount, "irsa")
}

// podIdentityRole trusts it through Pod Identity.
func podIdentityRole(name, namespace, serviceAccount string) string {
	return role(name, namespace, serviceAccount, "pod-identity")
}

func role(name, namespace, serviceAccount, mechanism string) string {
	return fmt.Sprintf(`apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: %s}
spec:
  trust: {cluster: %s, namespace: %q, serviceAccount: %q, mechanism: %s}
---
`, name, clusterName, namespace, serviceAccount, mechanism)
}

func association(namespace, serviceAccount, role string) string {
	return fmt.Sprintf(`apiVersion: podpass.io/v1alpha1
kind: Association
metadata: {name: %s, namespace: %s}
spec: {cluster: %s, role: %s}
---
`, serviceAccount, namespace, clusterName, role)
}
