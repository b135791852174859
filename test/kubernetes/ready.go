package kubernetes

import (
	"context"
	"fmt"
	"net/http"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (n *Node) waitReady(ctx context.Context) error {
	for _, part := range []struct {
		what  string
		wrong func(context.Context) error
	}{
		{"names", getOK("http://127.0.0.1:8181/ready")},       // of CoreDNS
		{"services", getOK("http://127.0.0.1:10256/healthz")}, // of kube-proxy
		{"accounts", n.accountWrong},
		{"the node", n.nodeWrong},
	} {
		if err := n.until(ctx, part.what, part.wrong); err != nil {
			return err
		}
	}
	return nil
}

// getOK wants a URL to answer 200.
func getOK(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, resp.Status)
		}
		return nil
	}
}

// serverWrong also wants the API server's own objects to be there, such as the roles of the other components.
func (n *Node) serverWrong(ctx context.Context) error {
	return n.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// accountWrong wants what a pod cannot be created without.
func (n *Node) accountWrong(ctx context.Context) error {
	if _, err := n.client.CoreV1().ServiceAccounts(meta.NamespaceDefault).Get(ctx, "default", meta.GetOptions{}); err != nil {
		return err
	}
	_, err := n.client.CoreV1().ConfigMaps(meta.NamespaceDefault).Get(ctx, "kube-root-ca.crt", meta.GetOptions{})
	return err
}

func (n *Node) nodeWrong(ctx context.Context) error {
	node, err := n.client.CoreV1().Nodes().Get(ctx, NodeName, meta.GetOptions{})
	if err != nil {
		return err
	}
	if len(node.Spec.Taints) > 0 {
		return fmt.Errorf("the node is tainted: %v", node.Spec.Taints)
	}
	for _, c := range node.Status.Conditions {
		if c.Type == core.NodeReady && c.Status == core.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("the node is not ready: %v", node.Status.Conditions)
}
