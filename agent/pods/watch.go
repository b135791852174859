package pods

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// OfNode is the pods bound to a node. The client must be one of the core API, and may list and watch pods.
func OfNode(client cache.Getter, node string) cache.ListerWatcher {
	return cache.NewListWatchFromClient(client, "pods", meta.NamespaceAll, fields.OneTermEqualSelector("spec.nodeName", node))
}

// Config of a Watch.
type Config struct {
	Source cache.ListerWatcher
	// Host are the addresses that requests of pods on the host's network come from beside the node's own: the agent's, which the kernel chooses
	// as the source of what never leaves the machine.
	Host []netip.Addr
	// Gone is called once for each pod that was deleted or has ended for good. It must not block.
	Gone   func(podUID string)
	Logger *slog.Logger
}

// Watch is safe for concurrent use.
type Watch struct {
	cfg      Config
	informer cache.SharedIndexInformer
	events   cache.ResourceEventHandlerRegistration
	failing  atomic.Bool // the API server could not be read at last

	mu      sync.Mutex
	addrs   map[string][]netip.Addr // by uid, of pods that have not ended
	changed chan struct{}           // closed and renewed when one is new or has other addresses
}

// New makes a Watch; it makes no call.
func New(c Config) (*Watch, error) {
	w := &Watch{cfg: c, addrs: map[string][]netip.Addr{}, changed: make(chan struct{})}
	w.informer = cache.NewSharedIndexInformerWithOptions(c.Source, &core.Pod{}, cache.SharedIndexInformerOptions{})
	if err := w.informer.SetTransform(strip); err != nil {
		return nil, err
	}
	if err := w.informer.SetWatchErrorHandlerWithContext(w.failed); err != nil {
		return nil, err
	}
	var err error
	w.events, err = w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { w.set(obj.(*core.Pod)) },
		UpdateFunc: func(before, obj any) {
			// A pod that was replaced by another of its name while the watch was broken arrives as an update.
			if old, now := before.(*core.Pod), obj.(*core.Pod); old.UID != now.UID {
				w.remove(string(old.UID))
			}
			w.set(obj.(*core.Pod))
		},
		DeleteFunc: func(obj any) {
			if missed, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = missed.Obj
			}
			if pod, ok := obj.(*core.Pod); ok {
				w.remove(string(pod.UID))
			}
		},
	})
	return w, err
}

// Run follows the node's pods until the context is done. An API server that cannot be reached is tried again and again.
func (w *Watch) Run(ctx context.Context) {
	w.informer.RunWithContext(klog.NewContext(ctx, logr.FromSlogHandler(w.cfg.Logger.Handler())))
}

// Ready is an error until the node's pods are known.
func (w *Watch) Ready() error {
	if !w.events.HasSynced() {
		return fmt.Errorf("the pods of this node are not known yet")
	}
	return nil
}

// Addresses are those a pod's requests can come from; none of a pod whose address the API server does not have yet. known is false of one that
// is not on this node, or has ended.
func (w *Watch) Addresses(podUID string) (addrs []netip.Addr, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	addrs, known = w.addrs[podUID]
	return addrs, known
}

// Wait returns when the pod has an address, or the context is done.
func (w *Watch) Wait(ctx context.Context, podUID string) {
	for {
		w.mu.Lock()
		found, changed := len(w.addrs[podUID]) > 0, w.changed
		w.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (w *Watch) set(pod *core.Pod) {
	w.failing.Store(false)
	uid := string(pod.UID)
	if pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed {
		w.remove(uid)
		return
	}
	addrs := w.addressesOf(pod)
	w.mu.Lock()
	defer w.mu.Unlock()
	if had, ok := w.addrs[uid]; !ok || !slices.Equal(had, addrs) {
		w.addrs[uid] = addrs
		close(w.changed)
		w.changed = make(chan struct{})
	}
}

func (w *Watch) remove(uid string) {
	w.mu.Lock()
	_, had := w.addrs[uid]
	delete(w.addrs, uid)
	w.mu.Unlock()
	if had {
		w.cfg.Gone(uid)
	}
}

func (w *Watch) addressesOf(pod *core.Pod) (addrs []netip.Addr) {
	add := func(text string) {
		if addr, err := netip.ParseAddr(text); err == nil && !slices.Contains(addrs, addr.Unmap()) {
			addrs = append(addrs, addr.Unmap())
		}
	}
	add(pod.Status.PodIP)
	for _, ip := range pod.Status.PodIPs {
		add(ip.IP)
	}
	if pod.Spec.HostNetwork {
		add(pod.Status.HostIP)
		for _, ip := range pod.Status.HostIPs {
			add(ip.IP)
		}
		addrs = append(addrs, w.cfg.Host...)
	}
	return addrs
}

// failed says once that the watch is broken, not at each try.
func (w *Watch) failed(_ context.Context, _ *cache.Reflector, err error) {
	if w.failing.CompareAndSwap(false, true) {
		w.cfg.Logger.Warn("cannot follow the pods of this node; what is known of them stands, and it is tried again", "error", err)
	}
}

// strip leaves of a pod what is used here.
func strip(obj any) (any, error) {
	pod, ok := obj.(*core.Pod)
	if !ok {
		return obj, nil
	}
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion},
		Spec:       core.PodSpec{HostNetwork: pod.Spec.HostNetwork},
		Status: core.PodStatus{
			Phase: pod.Status.Phase, PodIP: pod.Status.PodIP, PodIPs: pod.Status.PodIPs, HostIP: pod.Status.HostIP, HostIPs: pod.Status.HostIPs,
		},
	}, nil
}
