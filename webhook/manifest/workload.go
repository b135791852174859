package manifest

import (
	"fmt"
	"strings"

	"github.com/podpass/podpass/webhook"
	"go.yaml.in/yaml/v3"
)

// Workload is a pod, or what makes pods of a template.
type Workload struct {
	Kind, Namespace, Name string // Namespace is empty where the manifest says none

	document *Document
	template *yaml.Node // metadata and spec of the pods
}

// Account is a service account of a manifest.
type Account struct {
	Namespace, Name string
	Annotations     map[string]string
}

// templates is where kinds keep their pods; the pod itself is its own.
var templates = map[string]string{
	"v1 Pod":                   "",
	"v1 ReplicationController": "spec/template",
	"v1 PodTemplate":           "template",
	"apps/v1 Deployment":       "spec/template",
	"apps/v1 StatefulSet":      "spec/template",
	"apps/v1 DaemonSet":        "spec/template",
	"apps/v1 ReplicaSet":       "spec/template",
	"batch/v1 Job":             "spec/template",
	"batch/v1 CronJob":         "spec/jobTemplate/spec/template",
	"batch/v1beta1 CronJob":    "spec/jobTemplate/spec/template",
}

// Workloads are those of the document, of a List all of its items'. Other kinds have none.
func (d *Document) Workloads() ([]*Workload, error) {
	if d.root == nil {
		return nil, nil
	}
	if err := d.unshare(); err != nil {
		return nil, err
	}
	var found []*Workload
	for _, object := range objects(d.root.Content[0]) {
		path, ok := templates[text(field(object, "apiVersion"))+" "+text(field(object, "kind"))]
		template := object
		if path != "" {
			template = field(object, strings.Split(path, "/")...)
		}
		if ok && template != nil && template.Kind == yaml.MappingNode {
			metadata := field(object, "metadata")
			name := text(field(metadata, "name"))
			if name == "" {
				name = text(field(metadata, "generateName")) + "*"
			}
			found = append(found, &Workload{
				Kind: text(field(object, "kind")), Namespace: text(field(metadata, "namespace")), Name: name, document: d, template: template,
			})
		}
	}
	return found, nil
}

// Accounts are the service accounts of the document.
func (d *Document) Accounts() ([]Account, error) {
	if d.root == nil {
		return nil, nil
	}
	if err := d.unshare(); err != nil {
		return nil, err
	}
	var found []Account
	for _, object := range objects(d.root.Content[0]) {
		if text(field(object, "apiVersion")) != "v1" || text(field(object, "kind")) != "ServiceAccount" {
			continue
		}
		metadata := field(object, "metadata")
		a := Account{Namespace: text(field(metadata, "namespace")), Name: text(field(metadata, "name")), Annotations: map[string]string{}}
		if annotations := field(metadata, "annotations"); annotations != nil && annotations.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(annotations.Content); i += 2 {
				a.Annotations[annotations.Content[i].Value] = text(annotations.Content[i+1])
			}
		}
		found = append(found, a)
	}
	return found, nil
}

// objects are the document's own, or a List's.
func objects(root *yaml.Node) []*yaml.Node {
	items := field(root, "items")
	if text(field(root, "kind")) != "List" || items == nil || items.Kind != yaml.SequenceNode {
		return []*yaml.Node{root}
	}
	var all []*yaml.Node
	for _, item := range items.Content {
		all = append(all, objects(item)...)
	}
	return all
}

// unshare writes anchors and aliases out.
func (d *Document) unshare() error {
	if !shares(d.root) {
		return nil
	}
	var v any
	if err := d.root.Decode(&v); err != nil {
		return err
	}
	var whole yaml.Node
	if err := whole.Encode(v); err != nil {
		return err
	}
	d.root = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{&whole}}
	return nil
}

// Pod reads what decisions need of the pods this makes; their namespace is the one given where the manifest says none.
func (w *Workload) Pod(namespace string) (*webhook.Pod, error) {
	object, err := toJSON(nil, w.template)
	if err != nil {
		return nil, err
	}
	pod, err := webhook.ReadPod(object)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", w.Kind, w.Name, err)
	}
	if pod.Metadata.Namespace = w.Namespace; w.Namespace == "" {
		pod.Metadata.Namespace = namespace
	}
	return pod, nil
}

// Apply changes the pods this makes.
func (w *Workload) Apply(patch []webhook.Operation) error {
	for _, operation := range patch {
		value, err := fromJSON(operation.Value)
		if err != nil {
			return err
		}
		if err := add(w.template, operation.Path, value); err != nil {
			return fmt.Errorf("%s %s: %w", w.Kind, w.Name, err)
		}
		w.document.changed = true
	}
	return nil
}
