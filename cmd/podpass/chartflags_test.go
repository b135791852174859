package main

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podpass/podpass/install"
)

// The chart gives the commands flags they have: a chart and an image that disagree are found here and not in a cluster.
func TestChartKnowsTheFlags(t *testing.T) {
	const etcd = `{server: {replicas: 2, tokenReview: true, storage: {kind: emptyDir}, etcd: {endpoints: ["https://e:2379"], secret: etcd}}}`
	const own = `{server: {certificateSecret: tls}, ca: "-----BEGIN CERTIFICATE-----"}`
	const pods = `{pods: {stsRegionalEndpoint: true, stsEndpoint: true, ca: true, noProxy: true, disableEC2Metadata: true, irsaThroughAgent: true, agentAddress: ipv6}}`
	for _, text := range []string{`{}`, etcd, own, pods, `{guard: {enabled: false}}`} {
		values := install.Values{}
		for _, layer := range []string{`{clusterName: prod, image: {repository: registry.example/podpass, tag: v1}}`, text} {
			if err := values.Merge([]byte(layer)); err != nil {
				t.Fatal(err)
			}
		}
		m, err := install.Render(t.Context(), values, "")
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, o := range m.Objects {
			for _, list := range []string{"initContainers", "containers"} {
				containers, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", list)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range containers {
					args, _, err := unstructured.NestedStringSlice(c.(map[string]any), "args")
					if err != nil {
						t.Fatal(err)
					}
					root := (&app{}).root("podpass")
					cmd, rest, err := root.Find(args)
					if err == nil {
						err = cmd.ParseFlags(rest)
					}
					if err != nil || cmd == root || cmd.Flags().NArg() > 0 {
						t.Errorf("%s: podpass %q: %v", text, args, err)
					}
					found++
				}
			}
		}
		if found != 4 {
			t.Errorf("%s: %d containers, want 4", text, found)
		}
	}
}
