package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"
)

// Facts is what a cluster says of itself.
type Facts struct{ kube kubernetes.Interface }

// Facts reads what the cluster says of itself.
func (c *Client) Facts() Facts { return Facts{c.kube} }

// Version is the API server's. client-go's call knows no context.
func (f Facts) Version(ctx context.Context) (*version.Info, error) {
	type answer struct {
		version *version.Info
		err     error
	}
	said := make(chan answer, 1)
	go func() {
		out, err := f.kube.Discovery().ServerVersion()
		said <- answer{out, err}
	}()
	select {
	case a := <-said:
		if a.err != nil {
			return nil, fmt.Errorf("the API server's version: %w", a.err)
		}
		return a.version, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the API server's version: %w", ctx.Err())
	}
}

// Issuer is whose name the cluster's service account tokens carry, as its OpenID discovery document has it. It tells one cluster from another.
//
// Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
func (f Facts) Issuer(ctx context.Context) (string, error) {
	const path = "/.well-known/openid-configuration"
	text, err := f.kube.Discovery().RESTClient().Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("the issuer of the cluster's tokens, at %s: %w", path, err)
	}
	var said struct{ Issuer string }
	if err := json.Unmarshal(text, &said); err != nil || said.Issuer == "" {
		return "", fmt.Errorf("the issuer of the cluster's tokens: what the API server has at %s is no discovery document", path)
	}
	return said.Issuer, nil
}

// Agents are the DaemonSets that serve Pod Identity on nodes, EKS's and podpass's, as NAMESPACE/NAME; none where there are none.
func (f Facts) Agents(ctx context.Context) ([]string, error) {
	var found []string
	for _, one := range [][2]string{{"kube-system", "eks-pod-identity-agent"}, {Namespace, "podpass-agent"}} {
		_, err := f.kube.AppsV1().DaemonSets(one[0]).Get(ctx, one[1], meta.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the agent of Pod Identity: %w", err)
		}
		found = append(found, one[0]+"/"+one[1])
	}
	return found, nil
}
