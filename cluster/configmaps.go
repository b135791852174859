package cluster

import (
	"context"
	"fmt"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// ConfigMaps are a cluster's.
type ConfigMaps struct{ kube kubernetes.Interface }

// ConfigMaps reads what pods take their environment from. There is no such thing for Secrets, on purpose.
func (c *Client) ConfigMaps() ConfigMaps { return ConfigMaps{c.kube} }

// Get is one, nil where it does not exist.
func (m ConfigMaps) Get(ctx context.Context, namespace, name string) (*core.ConfigMap, error) {
	found, err := m.kube.CoreV1().ConfigMaps(namespace).Get(ctx, name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ConfigMap %s/%s: %w", namespace, name, err)
	}
	return found, nil
}
