//go:build e2e

package admission_test

import (
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

// manifests renders the chart as Helm does, and returns its objects by kind and name ("Role podpass-webhook"), so that what is tested is what is
// shipped.
func manifests(t *testing.T, values map[string]any) map[string][]byte {
	t.Helper()
	chart, err := loader.LoadDir("../../../charts/podpass")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{"clusterName": "e2e", "image": map[string]any{"repository": "registry.example/podpass", "tag": "test"}}
	for k, v := range values {
		all[k] = v
	}
	given, err := util.ToRenderValues(chart, all, common.ReleaseOptions{Name: "podpass", Namespace: "podpass-system", IsInstall: true}, common.DefaultCapabilities)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(chart, given)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string][]byte{}
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for document := range strings.SplitSeq(text, "\n---\n") {
			var o struct {
				Kind     string
				Metadata struct{ Name string }
			}
			if err := yaml.Unmarshal([]byte(document), &o); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, document)
			}
			if o.Kind != "" {
				objects[o.Kind+" "+o.Metadata.Name] = []byte(document)
			}
		}
	}
	return objects
}

// manifest is one of the chart's objects, all of whose fields must be known.
func manifest[T any](t *testing.T, objects map[string][]byte, key string) *T {
	t.Helper()
	text, ok := objects[key]
	if !ok {
		t.Fatalf("the chart has no %s", key)
	}
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		t.Fatalf("%s: %v\n%s", key, err, text)
	}
	return object
}
