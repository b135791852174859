package guard

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/client-go/util/workqueue"

	"github.com/podpass/podpass/webhook"
)

// work is one turn at keeping the lists.
type work struct {
	*Guard
	accounts *accounts
	lists    *configMaps
	cas      *configMaps
	queue    workqueue.TypedRateLimitingInterface[string] // namespaces
	writes   flowcontrol.RateLimiter

	mu      sync.Mutex
	ca      string            // to be copied
	ready   bool              // all associations have been read, so that what is not among them is not there
	said    map[string]string // what is wrong, by what it is wrong with
	waiting int               // feeds that have not been read for the first time
	began   chan struct{}     // closed when there is none of those
}

const (
	workers    = 4
	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Minute
)

func (g *Guard) work(ctx context.Context) {
	w := &work{
		Guard: g, lists: newConfigMaps(), cas: newConfigMaps(),
		queue:  workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstRetry, lastRetry)),
		writes: flowcontrol.NewTokenBucketRateLimiter(g.cfg.WritesPerSecond, int(g.cfg.WritesPerSecond)+1),
		said:   map[string]string{}, began: make(chan struct{}),
	}
	w.accounts = newAccounts(w.judge)
	w.ready = w.associationsReady() == nil
	feeds := w.feeds()
	w.waiting = len(feeds)
	var all sync.WaitGroup
	for _, f := range feeds {
		all.Go(func() { f.follow(ctx) })
	}
	all.Go(func() { w.rejudge(ctx) })
	for range workers {
		all.Go(func() {
			select {
			case <-w.began:
			case <-ctx.Done():
			}
			for w.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	w.queue.ShutDown()
	all.Wait()
}

// judge is what webhook.Decide would do for the account's pods. Associations go before roles; a role that is none hides a mapping.
func (w *work) judge(namespace, name string, said annotated) mechanism {
	for _, a := range w.cfg.Associations {
		if a.Matching(namespace, name) {
			return podIdentity
		}
	}
	switch {
	case said == valid:
		return irsa
	case said == silent && w.cfg.Mappings != nil:
		if mapping, ok := w.cfg.Mappings.Mapping(namespace, name); ok {
			if arn, _ := w.cfg.Rules.Role(nil, mapping); arn != "" {
				return irsa
			}
		}
	}
	return none
}

func (w *work) annotated(annotations map[string]string) annotated {
	switch _, reason := w.cfg.Rules.Role(annotations, webhook.Mapping{}); reason {
	case webhook.NoIdentity:
		return silent
	case webhook.RoleAnnotated:
		return valid
	}
	return invalid
}

func (w *work) associationsReady() error {
	for _, a := range w.cfg.Associations {
		if err := a.Ready(); err != nil {
			return err
		}
	}
	return nil
}

// next settles a namespace of the queue; false where there will be no more.
func (w *work) next(ctx context.Context) bool {
	namespace, shutdown := w.queue.Get()
	if shutdown {
		return false
	}
	defer w.queue.Done(namespace)
	err := w.settle(ctx, namespace)
	w.metrics.accounts.Set(float64(w.accounts.total()))
	switch {
	case ctx.Err() != nil:
		return false
	case err == nil:
		w.say("namespace "+namespace, nil)
		w.queue.Forget(namespace)
	case apierrors.HasStatusCause(err, core.NamespaceTerminatingCause), apierrors.IsNotFound(err):
		w.queue.Forget(namespace) // it is on its way out, or out
	case apierrors.IsConflict(err):
		w.queue.AddRateLimited(namespace)
	default:
		w.say("namespace "+namespace, err)
		w.queue.AddRateLimited(namespace)
	}
	return true
}

// settle brings a namespace's ConfigMaps to what they are to be.
func (w *work) settle(ctx context.Context, namespace string) error {
	wanted := w.accounts.list(namespace)
	list, exists := w.lists.get(namespace)
	if !w.isReady() {
		// Who has an association isn't known yet: what the list says stands until it is, and accounts are only added.
		for name, value := range list.data {
			if _, ok := wanted[name]; !ok {
				wanted[name] = value
			}
		}
	}
	data, leftOut := fits(wanted)
	w.roomFor(namespace, len(data), leftOut)
	if exists && !list.ours {
		if len(data) > 0 {
			return fmt.Errorf("ConfigMap %s exists and was not made by podpass, so its pods are not guarded; remove it: kubectl delete configmap -n %s %s", ListName, namespace, ListName)
		}
		return nil
	}
	if err := w.write(ctx, w.lists, namespace, ListName, data, !maps.Equal(data, list.data)); err != nil {
		return err
	}
	return w.settleCA(ctx, namespace, len(data) > 0)
}

// settleCA copies the CA to where it is needed, and renews copies. It deletes none: pods that mount one may still run.
func (w *work) settleCA(ctx context.Context, namespace string, needed bool) error {
	ca := w.currentCA()
	if !w.cfg.CopyCA || ca == "" || namespace == w.cfg.Namespace {
		return nil
	}
	copied, exists := w.cas.get(namespace)
	switch {
	case !exists && !needed, exists && copied.content == w.cas.hash(ca):
		return nil
	case exists && !copied.ours:
		return fmt.Errorf("ConfigMap %s exists with another content and was not made by podpass, so pods there may not trust the server; remove it: kubectl delete configmap -n %s %s", CAName, namespace, CAName)
	}
	return w.write(ctx, w.cas, namespace, CAName, map[string]string{caKey: ca}, true)
}

// write writes within the limit, and remembers what came of it.
func (w *work) write(ctx context.Context, in *configMaps, namespace, name string, data map[string]string, differs bool) error {
	seen, exists := in.get(namespace)
	if empty := len(data) == 0; exists != empty && !differs || !exists && empty {
		return nil
	}
	if err := w.writes.Wait(ctx); err != nil {
		return err
	}
	maps := w.cfg.Client.CoreV1().ConfigMaps(namespace)
	wr := write{maps: maps, namespace: namespace, name: name, known: seen, exists: exists}
	now, err := wr.to(ctx, data, differs)
	result := "done"
	switch {
	case apierrors.IsConflict(err):
		result = "conflict"
		// Somebody was faster; the watch will tell in its own time.
		if now, getErr := maps.Get(ctx, name, meta.GetOptions{}); getErr == nil {
			in.put(now)
		} else if apierrors.IsNotFound(getErr) {
			in.remove(namespace)
		}
	case err != nil:
		result = "failed"
	case now != nil:
		in.put(now)
	default:
		in.remove(namespace)
		if len(data) > 0 {
			w.queue.Add(namespace) // deleted to be made anew
		}
	}
	w.metrics.writes.WithLabelValues(name, result).Inc()
	return err
}

func (w *work) roomFor(namespace string, in, leftOut int) {
	if leftOut == 0 {
		w.metrics.leftOut.DeleteLabelValues(namespace)
		w.say("room in "+namespace, nil)
		return
	}
	w.metrics.leftOut.WithLabelValues(namespace).Set(float64(leftOut))
	w.say("room in "+namespace, fmt.Errorf("ConfigMap %s has room for %d accounts and not for %d more (AccountsLeftOut): pods of those are not refused where the webhook does not answer; "+
		"the last of them by name are left out; divide the namespace, or label it podpass.io/inject=required", ListName, in, leftOut))
}

// say logs what is wrong when it begins, and when it is over.
func (w *work) say(about string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	w.mu.Lock()
	was := w.said[about]
	if text == "" {
		delete(w.said, about)
	} else {
		w.said[about] = text
	}
	w.mu.Unlock()
	switch {
	case text == was:
	case text == "":
		w.cfg.Log.Info("guard: in order again", "what", about)
	default:
		w.cfg.Log.Warn("guard: "+text, "what", about)
	}
}
