package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	core "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/agent/pods"
)

// kube is how the API server is reached: by --kubeconfig, or as the pod the agent runs in; nil if neither.
func (c *agentConfig) kube(a *app) (*rest.Config, error) {
	if c.kubeconfig != "" {
		loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			&clientcmd.ClientConfigLoadingRules{ExplicitPath: c.kubeconfig}, &clientcmd.ConfigOverrides{})
		config, err := loader.ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("--kubeconfig: %w", err)
		}
		return config, nil
	}
	if a.env.get("KUBERNETES_SERVICE_HOST") == "" {
		return nil, nil
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		// A pod without a token, as the EKS agent's is.
		return nil, nil
	}
	return config, nil
}

// follow notes whether the pods of the node are followed.
func (c *agentConfig) follow(p *agentPlan, kube *rest.Config) error {
	if kube != nil && c.node != "" {
		p.kube, p.nodeName, p.bindPods = rest.CopyConfig(kube), c.node, c.bindPods
		p.kube.AcceptContentTypes, p.kube.ContentType = "application/vnd.kubernetes.protobuf,application/json", "application/vnd.kubernetes.protobuf"
		return nil
	}
	if c.bindPods {
		return errors.New("--bind-pod-addresses needs to know the pods: give --node-name, and --kubeconfig or a service account token in the agent's pod")
	}
	return nil
}

// agentNode is an agent and what it knows of its node's pods.
type agentNode struct {
	*agent.Agent
	pods *pods.Watch // nil: nothing
}

// build makes the agent. Nothing runs yet.
func (p *agentPlan) build() (*agentNode, error) {
	n := &agentNode{}
	if p.nodeName != "" {
		client, err := core.NewForConfig(p.kube)
		if err != nil {
			return nil, fmt.Errorf("the Kubernetes API server: %w", err)
		}
		n.pods, err = pods.New(pods.Config{
			Source: pods.OfNode(client.RESTClient(), p.nodeName), Host: p.ownAddresses(), Logger: p.log,
			Gone: func(uid string) { n.ForgetPod(uid) },
		})
		if err != nil {
			return nil, err
		}
		if p.bindPods {
			p.agent.Bind = n.pods
		}
	}
	var err error
	n.Agent, err = agent.New(p.agent)
	return n, err
}

// ownAddresses are the sources of requests from the host's network.
func (p *agentPlan) ownAddresses() (addrs []netip.Addr) {
	for _, host := range p.agent.Hosts {
		if addr, err := netip.ParseAddr(host); err == nil {
			addrs = append(addrs, addr)
		}
	}
	return append(addrs, netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback())
}

// ready adds to the agent's own word that it knows the pods, where it must.
func (n *agentNode) ready(p *agentPlan) error {
	if p.bindPods {
		if err := n.pods.Ready(); err != nil {
			return err
		}
	}
	return n.Agent.Ready()
}

// run does all that goes on beside serving, until the context is done.
func (n *agentNode) run(ctx context.Context, p *agentPlan) {
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { _ = n.Run(ctx) }) // the context's error, as the one below
	if n.pods != nil {
		group.Go(func() { n.pods.Run(ctx) })
	}
	if len(p.servers.clients) > 0 {
		group.Go(func() { _ = n.FollowAssociations(ctx, &p.servers) })
	}
}
