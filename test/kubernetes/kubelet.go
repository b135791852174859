package kubernetes

import "fmt"

// kubeletConfig: never short of disk, for what is left on this machine is no business of the node's; a projected token that is due is renewed within 10 s.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "%[1]s/ca.crt"}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: "unix://%[1]s/containerd.sock"
cgroupDriver: cgroupfs
cgroupRoot: "%[2]s"
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
syncFrequency: 10s
fileCheckFrequency: 1s
maxPods: 250
eventRecordQPS: 0
clusterDNS: ["` + dnsAddress + `"]
clusterDomain: cluster.local
resolvConf: "%[1]s/resolv.conf"
staticPodPath: "%[1]s/manifests"
podLogsDir: "%[1]s/pod-logs"
volumePluginDir: "%[1]s/volume-plugins"
imageGCHighThresholdPercent: 100
localStorageCapacityIsolation: false
evictionHard: {memory.available: "0%%", nodefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.available: "0%%", imagefs.inodesFree: "0%%"}
`

func (n *Node) startKubelet() error {
	if err := n.write("kubelet.yaml", fmt.Sprintf(kubeletConfig, n.dir, n.group.Name())); err != nil {
		return err
	}
	if err := n.write("resolv.conf", ""); err != nil { // or pods would search this machine's domains
		return err
	}
	return n.start("kubelet", n.binary("kubelet"), "--config", n.path("kubelet.yaml"), "--kubeconfig", n.authority.kubeconfig("kubelet"),
		"--root-dir", n.path("kubelet"), "--hostname-override", NodeName, "--node-ip", NodeAddress)
}

// StaticPodDir is the directory from which the kubelet runs pods that the API server only mirrors.
func (n *Node) StaticPodDir() string { return n.path("manifests") }

const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: "%[1]s/kube-proxy.kubeconfig"}
hostnameOverride: ` + NodeName + `
clusterCIDR: ` + podRange + `
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
oomScoreAdj: 0
`

func (n *Node) startProxy() error {
	if err := n.write("kube-proxy.yaml", fmt.Sprintf(proxyConfig, n.dir)); err != nil {
		return err
	}
	return n.start("kube-proxy", n.binary("kube-proxy"), "--config", n.path("kube-proxy.yaml"))
}
