// Package manifest finds the pods in Kubernetes manifests, YAML or JSON, and changes them by the JSON patches of package webhook.
//
// What it does not change it gives back byte for byte: other kinds, other documents, comments in front of them. In a document that it does
// change, comments and the order of keys stay.
//
// It refuses documents that are neither YAML nor JSON, and asks nobody about anything.
package manifest
