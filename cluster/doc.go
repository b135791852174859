// Package cluster reads and changes a Kubernetes cluster from outside, with what a kubeconfig allows and nothing else, for the commands that operators run.
//
// [Client] is the cluster as these commands see it: service accounts, pods, nodes, workloads and their restarts, pods that never run, all paged and within
// a rate. It changes single fields and never writes back an object it has read.
//
// [Installation] is the podpass in it, where there is one, and the way to its server: no kubectl, no Service open to the world. It owns what an installation is called, the way to its server through the API server (a port-forward to one of its ready pods), and the trust in it:
// TLS end to end, verified with the CA the installation publishes, so that whoever carries the bytes cannot read or change them. Who may go this way is
// decided by the cluster's RBAC: it takes get on the administrator's Secret and on the CA's ConfigMap, list on endpointslices and create (with get, for WebSockets) on
// pods/portforward, all in one namespace.
//
// It refuses a server whose certificate that CA does not vouch for, and signs nothing: that is its callers' part.
//
// It imports client-go, and of ours identity.
package cluster
