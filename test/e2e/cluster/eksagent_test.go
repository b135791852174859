//go:build e2e

package cluster_test

import (
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The EKS agent's way to its own identity on a cluster that is not EKS: the token of its service account, the role that registering the cluster has
// made, AWS_ENDPOINT_URL_STS and --endpoint. Shown with our agent under the EKS agent's flags alone, on loopback of the node.
func TestPodIdentityUnderFlagsOfEKS(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "eks-agent", nil)
	agent := w.agentTemplate(t)
	pod := newPod("eks-pod-identity-agent", "podpass-agent", func(p *core.Pod) {
		p.Labels = map[string]string{"eks.amazonaws.com/skip-pod-identity-webhook": "true"}
		p.Spec.HostNetwork, p.Spec.DNSPolicy = true, core.DNSClusterFirstWithHostNet
		p.Spec.SecurityContext = &core.PodSecurityContext{RunAsUser: new(int64(0))}
		p.Spec.Volumes = agent.Spec.Volumes
		main := &p.Spec.Containers[0]
		main.Image = agent.Spec.Containers[0].Image
		main.Args = []string{
			"agent", "server", "--cluster-name", clusterName, "--endpoint", stsEndpoint, "--bind-hosts", "127.0.0.1", "--port", "10080",
			"--probe-port", "12703", "--metrics-address", "127.0.0.1", "--metrics-port", "12705", "--handover-socket=",
		}
		main.Env, main.VolumeMounts = agent.Spec.Containers[0].Env, agent.Spec.Containers[0].VolumeMounts
		main.Env = append(main.Env, core.EnvVar{Name: "AWS_ENDPOINT_URL_STS", Value: stsEndpoint})
	})
	w.removeLater(t, "-n", system, "pod/"+pod.Name)
	w.createPod(t, system, pod)
	w.running(t, system, pod.Name)
	w.createPod(t, namespace, newPod("web", "pod-identity", func(p *core.Pod) {
		p.Spec.HostNetwork, p.Spec.DNSPolicy = true, core.DNSClusterFirstWithHostNet
		p.Spec.Containers[0].Env = []core.EnvVar{
			{Name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", Value: "http://127.0.0.1:10080/v1/credentials"},
			{Name: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Value: agentTokenPath},
		}
	}))
	w.wantCaller(t, namespace, "web", "main", namespace+"-pod-identity")
}

// agentTemplate is what the chart makes the agent's pods of.
func (w *world) agentTemplate(t *testing.T) core.PodTemplateSpec {
	t.Helper()
	set, err := w.client.AppsV1().DaemonSets(system).Get(t.Context(), "podpass-agent", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The hand-over is none of this agent's.
	handover := func(name string) bool { return strings.Contains(name, "handover") }
	spec := &set.Spec.Template.Spec
	spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v core.Volume) bool { return handover(v.Name) })
	main := &spec.Containers[0]
	main.VolumeMounts = slices.DeleteFunc(main.VolumeMounts, func(m core.VolumeMount) bool { return handover(m.Name) })
	return set.Spec.Template
}
