package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/podpass/podpass/identity"
)

// pageSize is how many objects are asked for at once.
const pageSize = 500

// ServiceAccounts are a cluster's.
type ServiceAccounts struct{ kube kubernetes.Interface }

// ServiceAccounts reads and changes service accounts.
func (c *Client) ServiceAccounts() ServiceAccounts { return ServiceAccounts{c.kube} }

// Get is one, nil where it does not exist.
func (s ServiceAccounts) Get(ctx context.Context, name identity.ServiceAccount) (*core.ServiceAccount, error) {
	found, err := s.kube.CoreV1().ServiceAccounts(name.Namespace).Get(ctx, name.Name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("service account %s: %w", name, err)
	}
	return found, nil
}

// Each gives every one of a namespace, or of all where it is "", to f, page by page.
func (s ServiceAccounts) Each(ctx context.Context, namespace string, f func(*core.ServiceAccount) error) error {
	return pages(ctx, meta.ListOptions{}, func(options meta.ListOptions) (string, error) {
		page, err := s.kube.CoreV1().ServiceAccounts(namespace).List(ctx, options)
		if err != nil {
			return "", fmt.Errorf("service accounts: %w", err)
		}
		for i := range page.Items {
			if err := f(&page.Items[i]); err != nil {
				return "", err
			}
		}
		return page.Continue, nil
	})
}

// HasNamespace reports whether a namespace exists.
func (s ServiceAccounts) HasNamespace(ctx context.Context, name string) (bool, error) {
	_, err := s.kube.CoreV1().Namespaces().Get(ctx, name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("namespace %s: %w", name, err)
	}
	return true, nil
}

// Create makes one with annotations. That it exists already is no error: it is then returned as it is.
func (s ServiceAccounts) Create(ctx context.Context, name identity.ServiceAccount, annotations map[string]string) (*core.ServiceAccount, error) {
	made, err := s.kube.CoreV1().ServiceAccounts(name.Namespace).Create(ctx, &core.ServiceAccount{
		ObjectMeta: meta.ObjectMeta{Name: name.Name, Namespace: name.Namespace, Annotations: annotations},
	}, meta.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return s.kube.CoreV1().ServiceAccounts(name.Namespace).Get(ctx, name.Name, meta.GetOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("service account %s: %w", name, err)
	}
	return made, nil
}

// fieldManager is whose changes these are, in managedFields.
const fieldManager = "podpass"

// Annotate sets and removes annotations and touches nothing else, not even what the account says of secrets: an update built from what a client knows of
// it would drop what a newer Kubernetes added. It fails with a conflict where the account was changed since it was read.
func (s ServiceAccounts) Annotate(ctx context.Context, read *core.ServiceAccount, set map[string]string, remove []string) (*core.ServiceAccount, error) {
	annotations := make(map[string]any, len(set)+len(remove))
	for _, key := range remove {
		annotations[key] = nil
	}
	for key, value := range set {
		annotations[key] = value
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": read.UID, "resourceVersion": read.ResourceVersion, "annotations": annotations,
	}})
	if err != nil {
		return nil, err
	}
	out, err := s.kube.CoreV1().ServiceAccounts(read.Namespace).Patch(ctx, read.Name, types.MergePatchType, patch, meta.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return nil, fmt.Errorf("service account %s/%s: %w", read.Namespace, read.Name, err)
	}
	return out, nil
}

// Delete deletes one as it was read: it fails with a conflict where it was changed since. That it is gone already is no error.
func (s ServiceAccounts) Delete(ctx context.Context, read *core.ServiceAccount) error {
	err := s.kube.CoreV1().ServiceAccounts(read.Namespace).Delete(ctx, read.Name, meta.DeleteOptions{
		Preconditions: &meta.Preconditions{UID: &read.UID, ResourceVersion: &read.ResourceVersion},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("service account %s/%s: %w", read.Namespace, read.Name, err)
	}
	return nil
}

// minTokenSeconds is the shortest life a kube-apiserver gives a token.
const minTokenSeconds = 600

// Token asks the API server for a token of an account, for ten minutes, bound to a pod unless that is nil.
//
// Source: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
func (s ServiceAccounts) Token(ctx context.Context, name identity.ServiceAccount, audience string, pod *core.Pod) (string, error) {
	seconds := int64(minTokenSeconds)
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{Audiences: []string{audience}, ExpirationSeconds: &seconds}}
	if pod != nil {
		request.Spec.BoundObjectRef = &authentication.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID}
	}
	out, err := s.kube.CoreV1().ServiceAccounts(name.Namespace).CreateToken(ctx, name.Name, request, meta.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("a token of service account %s: %w", name, err)
	}
	return out.Status.Token, nil
}
