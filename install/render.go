package install

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Manifests is what an installation consists of, in the order in which it is applied.
type Manifests struct {
	Objects []*unstructured.Unstructured
	Notes   string // what the person who installs is told
}

// namespace is made before everything else. Its labels let the agent in, which is on the host's network: where Pod Security Admission is set to
// something narrower for the whole cluster, its pods would be refused.
const namespace = `apiVersion: v1
kind: Namespace
metadata:
  name: ` + Namespace + `
  labels:
    app.kubernetes.io/managed-by: ` + Release + `
    pod-security.kubernetes.io/audit: privileged
    pod-security.kubernetes.io/enforce: privileged
    pod-security.kubernetes.io/warn: privileged
`

// oldest is the Kubernetes that manifests are made for where there is no cluster to ask. What is made does not depend on it.
var oldest = common.KubeVersion{Version: "v1.30.0", Major: "1", Minor: "30"}

// Render makes the manifests. It makes no call. An error about the values is a *ValuesError.
func Render(ctx context.Context, values Values, version string) (*Manifests, error) {
	chart, err := embedded(version)
	if err != nil {
		return nil, err
	}
	in := action.NewInstall(action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler)))
	in.ReleaseName, in.Namespace, in.DryRunStrategy = Release, Namespace, action.DryRunClient
	in.KubeVersion = &oldest
	out, err := in.RunWithContext(ctx, chart, values)
	if err != nil {
		return nil, explainValues(err)
	}
	rel, ok := out.(*release.Release)
	if !ok {
		return nil, fmt.Errorf("the chart became a %T", out)
	}
	return parseManifests(namespace+"---\n"+rel.Manifest, strings.TrimSpace(rel.Info.Notes))
}

// parseManifests reads the objects of a stream of YAML documents.
func parseManifests(text, notes string) (*Manifests, error) {
	_, sorted, err := releaseutil.SortManifests(releaseutil.SplitManifests(text), nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	out := &Manifests{Notes: notes}
	for _, m := range sorted {
		o := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(m.Content), &o.Object); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		if len(o.Object) > 0 {
			out.Objects = append(out.Objects, o)
		}
	}
	return out, nil
}

// YAML is the manifests as kubectl apply -f takes them.
func (m *Manifests) YAML() ([]byte, error) {
	var out bytes.Buffer
	for _, o := range m.Objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "---\n%s", text)
	}
	return out.Bytes(), nil
}

// List is the manifests as one object of Kubernetes' kind List.
func (m *Manifests) List() map[string]any {
	items := make([]any, 0, len(m.Objects))
	for _, o := range m.Objects {
		items = append(items, o.Object)
	}
	return map[string]any{"apiVersion": "v1", "kind": "List", "items": items}
}
