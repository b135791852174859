package kubernetes

import (
	"context"
	"fmt"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// corefile: names of the cluster only, for there is no way to anybody who knows others.
const corefile = `.:53 {
	bind ` + NodeAddress + `
	errors
	ready
	kubernetes cluster.local in-addr.arpa ip6.arpa {
		kubeconfig %[1]s/coredns.kubeconfig
		ttl 5
	}
	cache 5
}
`

// startDNS runs CoreDNS beside the other components, behind the service that a pod's resolv.conf names.
func (n *Node) startDNS(ctx context.Context) error {
	if err := n.serveDNS(ctx); err != nil {
		return fmt.Errorf("the service kube-dns: %w", err)
	}
	if err := n.write("Corefile", fmt.Sprintf(corefile, n.dir)); err != nil {
		return err
	}
	return n.start("coredns", n.binary("coredns"), "-conf", n.path("Corefile"))
}

func (n *Node) serveDNS(ctx context.Context) error {
	const name, role = "kube-dns", "system:coredns"
	rules := []rbac.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"endpoints", "services", "pods", "namespaces"}, Verbs: []string{"list", "watch"}},
		{APIGroups: []string{discovery.GroupName}, Resources: []string{"endpointslices"}, Verbs: []string{"list", "watch"}},
	}
	if _, err := n.client.RbacV1().ClusterRoles().Create(ctx, &rbac.ClusterRole{ObjectMeta: meta.ObjectMeta{Name: role}, Rules: rules}, meta.CreateOptions{}); err != nil {
		return err
	}
	binding := &rbac.ClusterRoleBinding{
		ObjectMeta: meta.ObjectMeta{Name: role},
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: rbac.UserKind, Name: role}},
	}
	if _, err := n.client.RbacV1().ClusterRoleBindings().Create(ctx, binding, meta.CreateOptions{}); err != nil {
		return err
	}
	labels := map[string]string{"k8s-app": name}
	service := &core.Service{ObjectMeta: meta.ObjectMeta{Name: name, Labels: labels}, Spec: core.ServiceSpec{
		ClusterIP: dnsAddress,
		Ports:     []core.ServicePort{{Name: "dns", Protocol: core.ProtocolUDP, Port: 53}, {Name: "dns-tcp", Protocol: core.ProtocolTCP, Port: 53}},
	}}
	if _, err := n.client.CoreV1().Services(meta.NamespaceSystem).Create(ctx, service, meta.CreateOptions{}); err != nil {
		return err
	}
	slice := &discovery.EndpointSlice{
		ObjectMeta:  meta.ObjectMeta{Name: name, Labels: map[string]string{discovery.LabelServiceName: name}},
		AddressType: discovery.AddressTypeIPv4,
		Endpoints:   []discovery.Endpoint{{Addresses: []string{NodeAddress}}},
		Ports: []discovery.EndpointPort{
			{Name: ptr.To("dns"), Protocol: ptr.To(core.ProtocolUDP), Port: ptr.To[int32](53)},
			{Name: ptr.To("dns-tcp"), Protocol: ptr.To(core.ProtocolTCP), Port: ptr.To[int32](53)},
		},
	}
	_, err := n.client.DiscoveryV1().EndpointSlices(meta.NamespaceSystem).Create(ctx, slice, meta.CreateOptions{})
	return err
}
