// Package processes runs the podpass binary against what tests elsewhere stand in for: a real Kubernetes API server (test/kubernetes), a disk that is
// full, a kill at any moment, a node and its pods (network namespaces that veth pairs join), two servers on one etcd, a second podpass as the STS of
// an account, endpoints that are dead in every way. `make e2e GROUP=processes` runs it, as root, for it mounts file
// systems of a few megabytes and makes networks. All of it is behind the build tag e2e, and nothing of it is left behind.
package processes
