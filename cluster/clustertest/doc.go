// Package clustertest is a fake Kubernetes API server for tests of what reaches a podpass in a cluster: it has the installation's Secret, ConfigMap and
// EndpointSlice, and forwards connections to a server that stands in for the pod's, by WebSockets or, as API servers before 1.31, by SPDY alone.
//
// It imports cluster and client-go, and is for tests only.
package clustertest
