// Package kubernetes is a real Kubernetes for tests, built from its published modules by `go build` and kept in build/kubernetes. There are two sizes.
//
// Start is an API server alone: etcd and kube-apiserver on free ports of loopback, with everything they write in the test's own directory, gone with it. There are no
// controllers, no scheduler and no kubelet: objects are what the test made them, pods never run, and the admission plugin that waits for a controller
// (ServiceAccount) is off. Tokens, token review and RBAC are the real ones. StartEtcd starts an etcd alone. They need Go and Linux, not root.
//
//	cluster := kubernetes.Start(t)
//	_, err := cluster.Client().Namespaces().Create(ctx, …)
//
// Launch is a whole node: also the controllers, scheduler, containerd, kubelet, kube-proxy and CoreDNS. Pods run, with projected tokens, names and services. It needs root,
// what debian-packages.sh installs, and to be run by package isolated, which is what keeps the machine as it was. Ready in five seconds, once Prepare has built it.
//
//	func TestMain(m *testing.M) { os.Exit(isolated.Run(prepare, m.Run)) } // prepare calls Prepare
//
//	node, err := kubernetes.Launch(ctx, os.Stderr)
//	err = kubernetes.Image(ctx, tar, "example.test/web:1", map[string]string{"/web": binary}, "/web")
//	err = node.Load(ctx, tar)
//	out, err := node.Kubectl(ctx, manifest, "apply", "-f", "-")
//	err = node.Stop()
//
// The node's address is NodeAddress; tests are on its network themselves, and reach pods and services from there. There is no way to the world outside, no registry (images
// come by Load) and no hostPort. kube-proxy is a second behind what happens, as on any cluster. A token that is due is renewed within ten seconds.
//
// The first build takes minutes and the network; later ones are a matter of Go's build cache. Of podpass it imports test/isolated only, and only tests import it.
package kubernetes
