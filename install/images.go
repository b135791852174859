package install

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Images are the images the pods of the manifests run, each once, in order.
func (m *Manifests) Images() []string {
	var images []string
	for _, o := range m.Objects {
		for _, list := range []string{"initContainers", "containers"} {
			containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", list)
			for _, c := range containers {
				if c, ok := c.(map[string]any); ok {
					image, _, _ := unstructured.NestedString(c, "image")
					images = append(images, image)
				}
			}
		}
	}
	slices.Sort(images)
	return slices.Compact(images)
}
