package guard

import (
	"context"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// feeds are what the lists are made from, and the ConfigMaps themselves.
func (w *work) feeds() []*feed {
	accounts := w.cfg.Metadata.Resource(core.SchemeGroupVersion.WithResource("serviceaccounts"))
	feeds := []*feed{
		{
			name: "service accounts",
			list: func(ctx context.Context, o meta.ListOptions) (runtime.Object, error) { return accounts.List(ctx, o) },
			watch: func(ctx context.Context, o meta.ListOptions) (watch.Interface, error) {
				return accounts.Watch(ctx, o)
			},
			begin: w.accounts.begin,
			put: func(o meta.Object) {
				if w.accounts.put(o.GetNamespace(), o.GetName(), w.annotated(o.GetAnnotations())) {
					w.queue.Add(o.GetNamespace())
				}
			},
			gone: func(o meta.Object) {
				if w.accounts.remove(o.GetNamespace(), o.GetName()) {
					w.queue.Add(o.GetNamespace())
				}
			},
			end: func() { w.read(w.accounts.end()) },
		},
		w.configMapFeed(ListName, w.lists, func(*core.ConfigMap) {}),
	}
	if w.cfg.CopyCA {
		feeds = append(feeds, w.configMapFeed(CAName, w.cas, w.sourceCA))
	}
	for _, f := range feeds {
		first := true
		end := f.end
		f.end = func() {
			end()
			if first {
				first = false
				w.oneRead()
			}
		}
		f.failed = w.say
	}
	return feeds
}

// configMapFeed follows the ConfigMaps of one name; a role can be limited to that.
func (w *work) configMapFeed(name string, into *configMaps, seen func(*core.ConfigMap)) *feed {
	maps := w.cfg.Client.CoreV1().ConfigMaps("")
	return &feed{
		name: "ConfigMaps " + name,
		list: func(ctx context.Context, o meta.ListOptions) (runtime.Object, error) { return maps.List(ctx, o) },
		watch: func(ctx context.Context, o meta.ListOptions) (watch.Interface, error) {
			return maps.Watch(ctx, o)
		},
		field: fields.OneTermEqualSelector("metadata.name", name).String(),
		begin: into.begin,
		put: func(o meta.Object) {
			if m, ok := o.(*core.ConfigMap); ok && m.Name == name {
				into.put(m)
				seen(m)
				w.queue.Add(m.Namespace)
			}
		},
		gone: func(o meta.Object) {
			if o.GetName() == name {
				into.remove(o.GetNamespace())
				w.queue.Add(o.GetNamespace())
			}
		},
		end: func() { w.read(into.end()) },
	}
}

func (w *work) read(namespaces []string) {
	for _, namespace := range namespaces {
		w.queue.Add(namespace)
	}
}

// oneRead lets the workers begin once everything has been read.
func (w *work) oneRead() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting--; w.waiting == 0 {
		close(w.began)
	}
}

// sourceCA takes up a new CA, which concerns every namespace that has a copy or needs one.
func (w *work) sourceCA(m *core.ConfigMap) {
	ca := m.Data[caKey]
	w.mu.Lock()
	changed := m.Namespace == w.cfg.Namespace && ca != "" && ca != w.ca
	if changed {
		w.ca = ca
	}
	w.mu.Unlock()
	if changed {
		w.read(w.lists.with())
		w.read(w.cas.with())
	}
}

func (w *work) currentCA() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ca
}

func (w *work) isReady() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ready
}

// notifier is an Associations or Mappings that says when it changes.
type notifier interface{ Changed() <-chan struct{} }

const (
	rejudgeAtMost  = time.Minute     // for what says nothing when it changes
	readyAtMost    = 2 * time.Second // between two looks whether all associations have been read
	rejudgeAtLeast = 100 * time.Millisecond
)

// rejudge judges all accounts anew when associations or mappings have changed. However fast those change, at most a quarter of one core's time
// is spent on it.
func (w *work) rejudge(ctx context.Context) {
	var notifiers []notifier
	for _, a := range w.cfg.Associations {
		if n, ok := a.(notifier); ok {
			notifiers = append(notifiers, n)
		}
	}
	if n, ok := w.cfg.Mappings.(notifier); ok {
		notifiers = append(notifiers, n)
	}
	for ctx.Err() == nil {
		wait, stop := context.WithTimeout(ctx, w.atMost())
		for _, n := range notifiers {
			changed := n.Changed() // before looking, so that no change is missed
			go func() {
				select {
				case <-changed:
					stop()
				case <-wait.Done():
				}
			}()
		}
		began := time.Now()
		if err := w.associationsReady(); err != nil {
			w.say("associations", err)
		} else if !w.isReady() {
			w.say("associations", nil)
			w.mu.Lock()
			w.ready = true
			w.mu.Unlock()
			w.read(w.lists.with())
		}
		w.read(w.accounts.again())
		if !sleep(ctx, max(rejudgeAtLeast, 3*time.Since(began))) {
			stop()
			return
		}
		<-wait.Done()
		stop()
	}
}

func (w *work) atMost() time.Duration {
	if w.isReady() {
		return rejudgeAtMost
	}
	return readyAtMost
}
