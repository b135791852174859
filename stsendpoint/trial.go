package stsendpoint

import (
	"maps"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podpass/podpass/identity"
)

const (
	trialContainer = "podpass-trial"
	trialImage     = "registry.k8s.io/pause:3.10"
)

// trialPod is the pod of a dry run: one that the strictest of the pod security standards lets pass, with resources, as quotas want them, and looking like a
// pod of the account that runs already, for the sake of policies on images and labels. It is never made.
func trialPod(account identity.ServiceAccount, like *Pod) *core.Pod {
	yes, no := true, false
	small := core.ResourceList{core.ResourceCPU: resource.MustParse("10m"), core.ResourceMemory: resource.MustParse("16Mi"), core.ResourceEphemeralStorage: resource.MustParse("16Mi")}
	pod := &core.Pod{
		ObjectMeta: meta.ObjectMeta{GenerateName: "podpass-dry-run-", Namespace: account.Namespace, Labels: map[string]string{}},
		Spec: core.PodSpec{
			ServiceAccountName: account.Name,
			SecurityContext: &core.PodSecurityContext{
				RunAsNonRoot: &yes, SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []core.Container{{
				Name: trialContainer, Image: trialImage, Resources: core.ResourceRequirements{Requests: small, Limits: small},
				SecurityContext: &core.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &core.Capabilities{Drop: []core.Capability{"ALL"}}},
			}},
		},
	}
	if like != nil {
		maps.Copy(pod.Labels, like.Raw.Labels)
		delete(pod.Labels, skipLabel)
		pod.Spec.Containers[0].Image = like.Raw.Spec.Containers[0].Image
	}
	return pod
}
