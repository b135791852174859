package kubernetes

import (
	"path/filepath"
)

// writeIdentities makes the keys of everybody who talks to the API server, and of itself.
func (n *Node) writeIdentities() error {
	var err error
	if n.authority, err = newAuthority(n.dir); err != nil {
		return err
	}
	if err := writeTokenKey(n.dir); err != nil {
		return err
	}
	names := []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"}
	if err := n.authority.server("kube-apiserver", []string{NodeAddress, "127.0.0.1", serverIP}, names...); err != nil {
		return err
	}
	for _, of := range []struct{ file, user, group string }{
		{"admin", "admin", "system:masters"},
		{"apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters"},
		{"controller-manager", "system:kube-controller-manager", ""},
		{"scheduler", "system:kube-scheduler", ""},
		{"kubelet", "system:node:" + NodeName, "system:nodes"},
		{"kube-proxy", "system:kube-proxy", ""},
		{"coredns", "system:coredns", ""},
		{"front-proxy", frontProxy, ""},
	} {
		var groups []string
		if of.group != "" {
			groups = append(groups, of.group)
		}
		if err := n.authority.client(of.file, of.user, groups...); err != nil {
			return err
		}
	}
	return nil
}

// frontProxy is whom extension servers believe when it says who is calling: the API server.
const frontProxy = "front-proxy-client"

const etcdURL = "http://127.0.0.1:2379"

func (n *Node) startEtcd() error {
	p, err := launchEtcd(n.binary("etcd"), n.dir, etcdURL, "http://127.0.0.1:2380")
	return n.started(p, err)
}

func (n *Node) startServer() error {
	return n.start("kube-apiserver", n.binary("kube-apiserver"),
		"--etcd-servers", etcdURL, "--advertise-address", NodeAddress, "--secure-port", "6443", "--allow-privileged",
		"--tls-cert-file", n.path("kube-apiserver.crt"), "--tls-private-key-file", n.path("kube-apiserver.key"), "--client-ca-file", n.path("ca.crt"),
		"--kubelet-client-certificate", n.path("apiserver-kubelet.crt"), "--kubelet-client-key", n.path("apiserver-kubelet.key"),
		"--kubelet-preferred-address-types", "InternalIP", // the node's name does not resolve
		"--service-account-issuer", Issuer, "--service-account-key-file", n.path("sa.pub"), "--service-account-signing-key-file", n.path("sa.key"),
		"--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction", "--service-cluster-ip-range", serviceIPs,
		"--requestheader-client-ca-file", n.path("ca.crt"), "--requestheader-allowed-names", frontProxy, "--requestheader-username-headers", "X-Remote-User",
		"--requestheader-group-headers", "X-Remote-Group", "--requestheader-extra-headers-prefix", "X-Remote-Extra-",
		"--proxy-client-cert-file", n.path("front-proxy.crt"), "--proxy-client-key-file", n.path("front-proxy.key"))
}

func (n *Node) startControllers() error {
	config := n.authority.kubeconfig("controller-manager")
	return n.start("kube-controller-manager", n.binary("kube-controller-manager"),
		"--kubeconfig", config, "--authentication-kubeconfig", config, "--authorization-kubeconfig", config, "--leader-elect=false",
		"--bind-address", "127.0.0.1", "--use-service-account-credentials", "--kube-api-qps", "500", "--kube-api-burst", "1000", "--root-ca-file", n.path("ca.crt"),
		"--service-account-private-key-file", n.path("sa.key"),
		"--cluster-signing-cert-file", n.path("ca.crt"), "--cluster-signing-key-file", n.path("ca.key"))
}

func (n *Node) startScheduler() error {
	config := n.authority.kubeconfig("scheduler")
	return n.start("kube-scheduler", n.binary("kube-scheduler"), "--kubeconfig", config, "--authentication-kubeconfig", config,
		"--authorization-kubeconfig", config, "--leader-elect=false", "--bind-address", "127.0.0.1")
}

func (n *Node) path(name string) string   { return filepath.Join(n.dir, name) }
func (n *Node) binary(name string) string { return filepath.Join(n.binaries, name) }
