package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podpass/podpass/identity"
)

// Probes are pods that are admitted as any other, and never run: a scheduling gate (Kubernetes 1.27 and later) and a node selector that no node has keep
// them from ever being scheduled. They show what a pod is given, and tokens can be bound to them.
//
// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/
type Probes struct{ kube kubernetes.Interface }

// Probes makes and removes pods that never run.
func (c *Client) Probes() Probes { return Probes{c.kube} }

const (
	probeName  = "podpass-probe-"
	probeLabel = "podpass.io/probe"
	probeGate  = "podpass.io/never"
	// probeLife is when a probe that is still there belongs to a command that was killed.
	probeLife = 10 * time.Minute
)

// Start makes a probe of a service account, and removes those of it that killed commands have left. What it asks of the pod's security is what the strictest
// Pod Security Standard admits.
func (p Probes) Start(ctx context.Context, of identity.ServiceAccount) (*core.Pod, error) {
	if err := p.sweep(ctx, of.Namespace); err != nil {
		return nil, err
	}
	yes, no := true, false
	few := core.ResourceList{core.ResourceCPU: resource.MustParse("1m"), core.ResourceMemory: resource.MustParse("1Mi")}
	pod, err := p.kube.CoreV1().Pods(of.Namespace).Create(ctx, &core.Pod{
		ObjectMeta: meta.ObjectMeta{GenerateName: probeName, Labels: map[string]string{probeLabel: "true", "app.kubernetes.io/managed-by": "podpass"}},
		Spec: core.PodSpec{
			ServiceAccountName: of.Name, AutomountServiceAccountToken: &no, RestartPolicy: core.RestartPolicyNever,
			SchedulingGates: []core.PodSchedulingGate{{Name: probeGate}}, NodeSelector: map[string]string{probeGate: "true"},
			SecurityContext: &core.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault}},
			Containers: []core.Container{{
				Name: "probe", Image: "registry.k8s.io/pause:3.10", Resources: core.ResourceRequirements{Requests: few, Limits: few},
				SecurityContext: &core.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &core.Capabilities{Drop: []core.Capability{"ALL"}}},
			}},
		},
	}, meta.CreateOptions{FieldManager: fieldManager})
	if err != nil {
		return nil, fmt.Errorf("a pod of service account %s that is never run: %w", of, err)
	}
	return pod, nil
}

// Stop removes a probe at once: it has nothing to end.
func (p Probes) Stop(ctx context.Context, pod *core.Pod) error {
	err := p.kube.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, meta.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: &meta.Preconditions{UID: &pod.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("pod %s/%s, which was never run: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}

func (p Probes) sweep(ctx context.Context, namespace string) error {
	left, err := p.kube.CoreV1().Pods(namespace).List(ctx, meta.ListOptions{LabelSelector: probeLabel, Limit: pageSize})
	if err != nil {
		return fmt.Errorf("pods that earlier commands left in namespace %s: %w", namespace, err)
	}
	for i := range left.Items {
		old := time.Since(left.Items[i].CreationTimestamp.Time) > probeLife
		if old && left.Items[i].Spec.NodeSelector[probeGate] == "true" && strings.HasPrefix(left.Items[i].Name, probeName) {
			if err := p.Stop(ctx, &left.Items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
