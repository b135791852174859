package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Pods are a cluster's.
type Pods struct{ kube kubernetes.Interface }

// Pods reads and evicts pods.
func (c *Client) Pods() Pods { return Pods{c.kube} }

// Which says which pods are meant. The zero value means all of all namespaces.
type Which struct{ Namespace, Labels, Fields string }

// Each gives every pod to f, page by page.
func (p Pods) Each(ctx context.Context, which Which, f func(*core.Pod) error) error {
	return pages(ctx, meta.ListOptions{LabelSelector: which.Labels, FieldSelector: which.Fields}, func(options meta.ListOptions) (string, error) {
		page, err := p.kube.CoreV1().Pods(which.Namespace).List(ctx, options)
		if err != nil {
			return "", fmt.Errorf("pods: %w", err)
		}
		for i := range page.Items {
			if err := f(&page.Items[i]); err != nil {
				return "", err
			}
		}
		return page.Continue, nil
	})
}

// Get is one pod, nil where it does not exist.
func (p Pods) Get(ctx context.Context, namespace, name string) (*core.Pod, error) {
	found, err := p.kube.CoreV1().Pods(namespace).Get(ctx, name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pod %s/%s: %w", namespace, name, err)
	}
	return found, nil
}

// Admit is a pod as it would be created, with what admission adds to it, and is not: a dry run. It is how one learns what webhooks do to pods, whosever
// they are and whatever their flags.
//
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
func (p Pods) Admit(ctx context.Context, pod *core.Pod) (*core.Pod, error) {
	out, err := p.kube.CoreV1().Pods(pod.Namespace).Create(ctx, pod, meta.CreateOptions{DryRun: []string{meta.DryRunAll}, FieldManager: fieldManager})
	if err != nil {
		return nil, fmt.Errorf("a dry run of a pod in namespace %s: %w", pod.Namespace, err)
	}
	return out, nil
}

// evictionPause is the time between two tries of an eviction that a PodDisruptionBudget holds back.
const evictionPause = 3 * time.Second

// Evict deletes a pod as far as PodDisruptionBudgets allow, for which it waits; held is told of the wait, and may be nil. That the very pod is gone
// already is no error, and another one of its name is left alone.
//
// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
func (p Pods) Evict(ctx context.Context, pod *core.Pod, held func(why string)) error {
	eviction := &policy.Eviction{
		ObjectMeta:    meta.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &pod.UID}},
	}
	for {
		err := p.kube.CoreV1().Pods(pod.Namespace).EvictV1(ctx, eviction)
		switch {
		case err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err):
			return nil
		case !apierrors.IsTooManyRequests(err):
			return fmt.Errorf("eviction of pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		if held != nil {
			held(err.Error())
		}
		select {
		case <-time.After(evictionPause):
		case <-ctx.Done():
			return fmt.Errorf("eviction of pod %s/%s: %w; at last: %w", pod.Namespace, pod.Name, ctx.Err(), err)
		}
	}
}

// pages lists until there is no further page. Where the token of a page has expired, as it does after some minutes, the API server gives another one with
// which the list goes on, as it is by then.
//
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
func pages(ctx context.Context, options meta.ListOptions, list func(meta.ListOptions) (next string, err error)) error {
	options.Limit = pageSize
	for {
		next, err := list(options)
		if again := continuation(err); again != "" && again != options.Continue && ctx.Err() == nil {
			options.Continue = again
			continue
		}
		if err != nil {
			return err
		}
		if options.Continue = next; next == "" {
			return nil
		}
	}
}

// continuation is the token that comes with the refusal of an expired one, "" with any other error.
func continuation(err error) string {
	if said, ok := errors.AsType[*apierrors.StatusError](err); ok && apierrors.IsResourceExpired(err) {
		return said.ErrStatus.Continue
	}
	return ""
}
