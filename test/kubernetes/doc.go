// Package kubernetes is a real Kubernetes API server in a test: etcd and kube-apiserver, built from their published modules by `go build` and
// kept in build/kubernetes, started on free ports of loopback with everything they write in the test's own directory, and gone with it.
//
//	cluster := kubernetes.Start(t)
//	_, err := cluster.Client().Namespaces().Create(ctx, …)
//
// StartEtcd starts an etcd alone. There are no controllers, no scheduler and no kubelet: objects are what the test made them, pods never run, and the admission plugin that
// waits for a controller (ServiceAccount) is off. Tokens, token review and RBAC are the real ones.
//
// It needs Go and Linux, not root. The first build takes minutes; later ones are a matter of Go's build cache. It imports nothing of podpass,
// and only tests import it.
package kubernetes
