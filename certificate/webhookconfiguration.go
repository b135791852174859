package certificate

import (
	"bytes"
	"context"
	"encoding/json"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// WebhookConfiguration publishes the bundle as caBundle of every entry of a MutatingWebhookConfiguration, and changes nothing else of it.
//
// Where there is no such configuration nobody calls the webhook, so there is no one to tell; once it is made its entries get the bundle.
func WebhookConfiguration(client kubernetes.Interface, name string) Publisher {
	return &webhookConfiguration{client: client, name: name}
}

type webhookConfiguration struct {
	client kubernetes.Interface
	name   string
}

func (w *webhookConfiguration) String() string { return "MutatingWebhookConfiguration " + w.name }

func (w *webhookConfiguration) Watch(ctx context.Context) (watch.Interface, error) {
	return w.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Watch(ctx, only(w.name))
}

func (w *webhookConfiguration) Publish(ctx context.Context, bundle func(context.Context) ([]byte, error)) error {
	configurations := w.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	found, err := configurations.Get(ctx, w.name, meta.GetOptions{})
	absent := apierrors.IsNotFound(err)
	if err != nil && !absent {
		return err
	}
	pem, err := bundle(ctx)
	if err != nil || absent {
		return err
	}
	// The entries' names are their keys in a strategic merge: nothing but caBundle is touched, and Helm does not see a change of its own.
	var entries []any
	for _, e := range found.Webhooks {
		if !bytes.Equal(e.ClientConfig.CABundle, pem) {
			entries = append(entries, map[string]any{"name": e.Name, "clientConfig": map[string]any{"caBundle": pem}})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": found.ResourceVersion},
		"webhooks": entries,
	})
	if err != nil {
		return err
	}
	_, err = configurations.Patch(ctx, w.name, types.StrategicMergePatchType, patch, meta.PatchOptions{FieldManager: fieldManager})
	return err
}
