//go:build e2e

package cluster_test

import (
	"context"
	"sync"
	"testing"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
)

// admissions tells of the first pod of each Job as it was when it was admitted.
type admissions struct {
	mu   sync.Mutex
	pods map[string]chan *core.Pod
}

// admissions follows a namespace until the test ends.
func (w *world) admissions(t *testing.T, namespace string) *admissions {
	t.Helper()
	a := &admissions{pods: map[string]chan *core.Pod{}}
	pods := w.client.CoreV1().Pods(namespace)
	list, err := pods.List(t.Context(), meta.ListOptions{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := toolswatch.NewRetryWatcherWithContext(t.Context(), list.ResourceVersion, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o meta.ListOptions) (runtime.Object, error) { return pods.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o meta.ListOptions) (watch.Interface, error) {
			return pods.Watch(ctx, o)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for event := range watcher.ResultChan() {
			pod, ok := event.Object.(*core.Pod)
			if !ok || event.Type != watch.Added {
				continue
			}
			select {
			case a.of(pod.Labels[batch.JobNameLabel]) <- pod:
			default: // a second pod of the Job
			}
		}
	}()
	t.Cleanup(func() {
		watcher.Stop()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("the watch does not end")
		}
	})
	return a
}

// of is where the first pod of a Job will be, once.
func (a *admissions) of(job string) chan *core.Pod {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.pods[job]
	if !ok {
		c = make(chan *core.Pod, 1)
		a.pods[job] = c
	}
	return c
}
