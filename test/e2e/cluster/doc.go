// Package cluster runs podpass on a whole Kubernetes of one node (test/kubernetes), with real pods. All tests share the node, which starts when the first asks
// for it; each keeps to namespaces of its own. `make e2e GROUP=cluster` runs it, as root, in namespaces that are gone afterwards with all that happened in them
// (test/isolated). All of it is behind the build tag e2e.
package cluster
