package certificate

import (
	"context"
	"encoding/json"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// fieldManager is who the API server says wrote a field.
const fieldManager = "podpass-certificate"

// ConfigMap publishes the bundle as key ca.crt of a ConfigMap, which it makes where it does not exist.
func ConfigMap(client kubernetes.Interface, namespace, name string) Publisher {
	return &configMap{client: client, namespace: namespace, name: name}
}

type configMap struct {
	client          kubernetes.Interface
	namespace, name string
}

func (c *configMap) String() string { return "ConfigMap " + c.namespace + "/" + c.name }

func (c *configMap) Watch(ctx context.Context) (watch.Interface, error) {
	return c.client.CoreV1().ConfigMaps(c.namespace).Watch(ctx, only(c.name))
}

func (c *configMap) Publish(ctx context.Context, bundle func(context.Context) ([]byte, error)) error {
	maps := c.client.CoreV1().ConfigMaps(c.namespace)
	found, err := maps.Get(ctx, c.name, meta.GetOptions{})
	absent := apierrors.IsNotFound(err)
	if err != nil && !absent {
		return err
	}
	pem, err := bundle(ctx)
	if err != nil {
		return err
	}
	if absent {
		made := &core.ConfigMap{Data: map[string]string{keyBundle: string(pem)}}
		made.Name, made.Labels = c.name, map[string]string{labelManaged: managedBy}
		_, err := maps.Create(ctx, made, meta.CreateOptions{FieldManager: fieldManager})
		if apierrors.IsAlreadyExists(err) {
			return apierrors.NewConflict(core.Resource("configmaps"), c.name, err)
		}
		return err
	}
	if found.Data[keyBundle] == string(pem) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": found.ResourceVersion},
		"data":     map[string]string{keyBundle: string(pem)},
	})
	if err != nil {
		return err
	}
	_, err = maps.Patch(ctx, c.name, types.MergePatchType, patch, meta.PatchOptions{FieldManager: fieldManager})
	return err
}
