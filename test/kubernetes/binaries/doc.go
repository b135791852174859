// Package binaries pins the Kubernetes whose commands the tests run, and nothing else. It is a module of its own, so that nothing Kubernetes
// requires reaches the product's go.mod. k8s.io/kubernetes requires the modules of its staging directory at v0.0.0, and replaces them by that
// directory, which counts in Kubernetes itself only: each is replaced here by the version published with it, which is why go.mod is long.
package binaries
