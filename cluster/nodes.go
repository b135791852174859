package cluster

import (
	"context"
	"fmt"
	"strings"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Nodes are a cluster's.
type Nodes struct{ kube kubernetes.Interface }

// Nodes reads nodes.
func (c *Client) Nodes() Nodes { return Nodes{c.kube} }

// fewNodes is up to how many nodes are read one by one; more are listed.
const fewNodes = 20

// Regions are the AWS regions of nodes, by the nodes' names. A node that is gone, or says nothing of its region, has none.
func (n Nodes) Regions(ctx context.Context, names []string) (map[string]string, error) {
	out := make(map[string]string, len(names))
	if len(names) <= fewNodes {
		for _, name := range names {
			node, err := n.kube.CoreV1().Nodes().Get(ctx, name, meta.GetOptions{})
			if apierrors.IsNotFound(err) {
				continue
			}
			if err != nil {
				return out, fmt.Errorf("node %s: %w", name, err)
			}
			out[name] = RegionOf(node)
		}
		return out, nil
	}
	err := pages(ctx, meta.ListOptions{}, func(options meta.ListOptions) (string, error) {
		page, err := n.kube.CoreV1().Nodes().List(ctx, options)
		if err != nil {
			return "", fmt.Errorf("nodes: %w", err)
		}
		for i := range page.Items {
			out[page.Items[i].Name] = RegionOf(&page.Items[i])
		}
		return page.Continue, nil
	})
	return out, err
}

// RegionOf is the AWS region a node is in: its label's, else that of the availability zone in its provider id, "" where it has neither.
//
// Source: https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesioregion
func RegionOf(node *core.Node) string {
	for _, label := range []string{core.LabelTopologyRegion, core.LabelFailureDomainBetaRegion} {
		if region := node.Labels[label]; region != "" {
			return region
		}
	}
	rest, ok := strings.CutPrefix(node.Spec.ProviderID, "aws:///")
	zone, _, _ := strings.Cut(rest, "/")
	if !ok || zone == "" {
		return ""
	}
	return regionOfZone(zone)
}

// regionOfZone takes the zone's part off: us-west-2a, and the local zone us-west-2-lax-1a, are in us-west-2.
func regionOfZone(zone string) string {
	words := strings.Split(zone, "-")
	for i, word := range words {
		if digits := strings.TrimRight(word, "abcdefghijklmnopqrstuvwxyz"); digits != "" && strings.Trim(digits, "0123456789") == "" {
			return strings.Join(append(words[:i:i], digits), "-")
		}
	}
	return ""
}
