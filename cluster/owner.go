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
	return "", false
}
