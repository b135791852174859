package cluster

import (
	"strings"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Owner says which tool keeps an object as its own source has it, such as "Helm release shop/web": what is changed by hand is undone by its next
// sync. ok is false where no tool has left its mark.
//
// Source: https://helm.sh/docs/chart_best_practices/labels, https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking,
// https://fluxcd.io/flux/components/kustomize/kustomizations
func Owner(object meta.Object) (owner string, ok bool) {
	labels, annotations := object.GetLabels(), object.GetAnnotations()
	// Those that render Helm charts themselves come before Helm, whose labels the charts bring along.
	if id := annotations["argocd.argoproj.io/tracking-id"]; id != "" {
		app, _, _ := strings.Cut(id, ":")
		return "Argo CD application " + app, true
	}
	if app := labels["argocd.argoproj.io/instance"]; app != "" {
		return "Argo CD application " + app, true
	}
	for _, controller := range []string{"kustomize", "helm"} {
		prefix := controller + ".toolkit.fluxcd.io/"
		if name := labels[prefix+"name"]; name != "" {
			return "Flux " + controller + " " + labels[prefix+"namespace"] + "/" + name, true
		}
	}
	if release := annotations["meta.helm.sh/release-name"]; release != "" {
		return "Helm release " + annotations["meta.helm.sh/release-namespace"] + "/" + release, true
	}
	if strings.EqualFold(labels["app.kubernetes.io/managed-by"], "Helm") {
		return "a Helm release", true
	}
	// Before its version 3 Argo CD's own mark was a label that others use as well; whoever applies leaves a name behind.
	for _, entry := range object.GetManagedFields() {
		if tool := tools[entry.Manager]; tool != "" {
			return tool, true
		}
	}
	return "", false
}

// tools are the field managers that objects are applied by again and again.
var tools = map[string]string{
	"argocd-controller": "Argo CD", "argocd-application-controller": "Argo CD", "helm": "a Helm release", "helm-controller": "Flux helm", "kustomize-controller": "Flux kustomize",
}
