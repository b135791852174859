//go:build e2e

package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// load creates pods without end, of both mechanisms, while something happens to podpass, and counts those that are refused or lack anything.
type load struct {
	t        *testing.T
	stop     context.CancelFunc
	group    sync.WaitGroup
	admitted atomic.Int64
	failed   atomic.Int64
	warnings warnings
}

// warnings are what the API server said beside its answers.
type warnings struct {
	mu   sync.Mutex
	said []string
}

// HandleWarningHeader is rest.WarningHandler's.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, time.Now().Format(time.StampMilli)+" "+text)
}

func (w *warnings) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said[max(0, len(w.said)-10):], "\n")
}

// churn is a load of pods that are created and deleted (or, in a dry run, only reviewed) in a namespace that both made.
func (w *world) churn(t *testing.T, namespace string, dryRun bool) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &load{t: t, stop: stop}
	config := rest.CopyConfig(w.config)
	config.WarningHandler = &l.warnings
	own, err := client.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	pods := own.CoreV1().Pods(namespace)
	options := meta.CreateOptions{}
	if dryRun {
		options.DryRun = []string{meta.DryRunAll}
	}
	for worker := range 4 {
		l.group.Go(func() {
			m := mechanisms[worker%len(mechanisms)]
			for i := 0; ctx.Err() == nil; i++ {
				name := fmt.Sprintf("churn-%d-%d", worker, i)
				pod, err := pods.Create(ctx, newPod(name, m.account, gated), options)
				if err == nil {
					err = m.lacks(pod, namespace)
				}
				if err == nil && !dryRun {
					err = pods.Delete(ctx, name, deleteNow)
				}
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					if l.failed.Add(1) <= 5 {
						t.Errorf("%s: under load: %v", time.Now().Format(time.StampMilli), err)
					}
					continue
				}
				l.admitted.Add(1)
			}
		})
	}
	t.Cleanup(func() { stop(); l.group.Wait() })
	return l
}

// more waits until another n pods have been admitted.
func (l *load) more(n int64) {
	l.t.Helper()
	goal := l.admitted.Load() + n
	until(l.t, "pods go on being created", func() error {
		if got := l.admitted.Load() + l.failed.Load(); got < goal {
			return fmt.Errorf("%d of %d", got, goal)
		}
		return nil
	})
}

// end stops the load, and wants no failure.
func (l *load) end(what string) {
	l.t.Helper()
	l.stop()
	l.group.Wait()
	l.t.Logf("%s: %d pods admitted with their identity, %d failed or without", what, l.admitted.Load(), l.failed.Load())
	if n := l.failed.Load(); n > 0 {
		l.t.Errorf("%s: %d failures, with the warnings\n%s", what, n, &l.warnings)
	}
}

// fetcher is a pod that obtains credentials anew, four times a second and without trying twice; wantNoFailure reads what it met.
func (w *world) fetcher(t *testing.T, namespace, serviceAccount string) string {
	t.Helper()
	name := "fetcher-" + serviceAccount
	w.createPod(t, namespace, newPod(name, serviceAccount, looping("-every", "250ms", "-fresh", "-attempts", "1")))
	w.fetched(t, namespace, name, 3)
	return name
}

// fetched waits until the pod has made so many more calls.
func (w *world) fetched(t *testing.T, namespace, pod string, more int) {
	t.Helper()
	before := -1
	until(t, pod+" fetches", func() error {
		all, err := w.lines(t.Context(), namespace, pod, "main")
		if err != nil {
			return err
		}
		if before < 0 {
			before = len(all)
		}
		if len(all) < before+more {
			return fmt.Errorf("%d calls", len(all)-before)
		}
		return nil
	})
}

func (w *world) wantNoFailure(t *testing.T, namespace, pod string) {
	t.Helper()
	all, err := w.lines(t.Context(), namespace, pod, "main")
	if err != nil {
		t.Fatal(err)
	}
	failures := 0
	for _, one := range all {
		if one.Error != "" {
			if failures++; failures <= 3 {
				t.Errorf("%s: %s", pod, one.Error)
			}
		}
	}
	t.Logf("%s: %d fetches, %d failures", pod, len(all), failures)
}
