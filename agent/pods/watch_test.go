package pods_test

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	fake "k8s.io/client-go/tools/cache/testing"

	"github.com/podpass/podpass/agent/pods"
)

const patience = 20 * time.Second

func pod(name, uid string, ips ...string) *core.Pod {
	p := &core.Pod{ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(uid)}}
	p.Status.HostIP = "10.0.0.1"
	p.Status.HostIPs = []core.HostIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}
	for _, ip := range ips {
		p.Status.PodIP = ips[0]
		p.Status.PodIPs = append(p.Status.PodIPs, core.PodIP{IP: ip})
	}
	return p
}

func listWatch(source *fake.FakeControllerSource) cache.ListerWatcher {
	return &cache.ListWatch{
		ListWithContextFunc:  func(_ context.Context, o meta.ListOptions) (runtime.Object, error) { return source.List(o) },
		WatchFuncWithContext: func(_ context.Context, o meta.ListOptions) (watch.Interface, error) { return source.Watch(o) },
	}
}

// watched is a Watch of a cluster that is a fake's, and the pods it reports as gone.
func watched(t *testing.T, objects ...*core.Pod) (*pods.Watch, *fake.FakeControllerSource, <-chan string) {
	t.Helper()
	source := fake.NewFakeControllerSource()
	for _, o := range objects {
		source.Add(o)
	}
	gone := make(chan string, 100)
	w, err := pods.New(pods.Config{
		Source: listWatch(source), Host: []netip.Addr{netip.MustParseAddr("169.254.170.23")},
		Gone: func(uid string) { gone <- uid }, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.Ready() == nil {
		t.Error("it is ready before it runs")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended; source.Shutdown() })
	return w, source, gone
}

func has(t *testing.T, w *pods.Watch, uid string, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.Wait(ctx, uid)
	got, known := w.Addresses(uid)
	texts := make([]string, len(got))
	for i, a := range got {
		texts[i] = a.String()
	}
	if !known || !slices.Equal(texts, want) {
		t.Errorf("pod %s: %v (known: %v), want %v", uid, texts, known, want)
	}
}

func wantGone(t *testing.T, w *pods.Watch, gone <-chan string, uid string) {
	t.Helper()
	select {
	case got := <-gone:
		if got != uid {
			t.Errorf("gone: %s, want %s", got, uid)
		}
	case <-time.After(patience):
		t.Fatalf("%s is not reported as gone", uid)
	}
	if addrs, known := w.Addresses(uid); known || addrs != nil {
		t.Errorf("%s is still known, with %v", uid, addrs)
	}
}

func TestAddresses(t *testing.T) {
	host := pod("host", "uid-host", "10.0.0.1")
	host.Spec.HostNetwork = true
	w, source, _ := watched(t, pod("web", "uid-web", "10.1.0.7", "fd00:1::7"), host, pod("young", "uid-young"))
	has(t, w, "uid-web", "10.1.0.7", "fd00:1::7")
	has(t, w, "uid-host", "10.0.0.1", "fd00::1", "169.254.170.23")
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); w.Ready() != nil && time.Now().Before(deadline); <-again.C {
	}
	if err := w.Ready(); err != nil {
		t.Error(err)
	}
	if addrs, known := w.Addresses("uid-young"); !known || len(addrs) != 0 {
		t.Errorf("a pod without an address: %v, known: %v", addrs, known)
	}
	if _, known := w.Addresses("uid-other"); known {
		t.Error("a pod nobody has is known")
	}
	source.Modify(pod("young", "uid-young", "10.1.0.8"))
	has(t, w, "uid-young", "10.1.0.8")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Wait(ctx, "uid-other") // or this never ends
}

func TestGone(t *testing.T) {
	job, failed := pod("job", "uid-job", "10.1.0.9"), pod("failed", "uid-failed", "10.1.0.10")
	w, source, gone := watched(t, pod("web", "uid-web", "10.1.0.7"), job, failed)
	for _, uid := range []string{"uid-web", "uid-job", "uid-failed"} {
		w.Wait(t.Context(), uid)
	}
	source.Delete(pod("web", "uid-web", "10.1.0.7"))
	wantGone(t, w, gone, "uid-web")
	job = job.DeepCopy()
	job.Status.Phase = core.PodSucceeded
	source.Modify(job)
	wantGone(t, w, gone, "uid-job")
	failed = failed.DeepCopy()
	failed.Status.Phase = core.PodFailed
	source.Modify(failed)
	wantGone(t, w, gone, "uid-failed")

	// Each is reported once: deleting the objects of pods that have ended says nothing new.
	source.Delete(job)
	source.Delete(failed)
	source.Add(pod("last", "uid-last", "10.1.0.11"))
	w.Wait(t.Context(), "uid-last")
	source.Delete(pod("last", "uid-last"))
	wantGone(t, w, gone, "uid-last")
}

// What happens while the watch is broken is known when the list is had again: a pod that went, and one that was replaced by another of its name.
func TestMissed(t *testing.T) {
	w, source, gone := watched(t, pod("web", "uid-web", "10.1.0.7"), pod("set-0", "uid-old", "10.1.0.8"))
	w.Wait(t.Context(), "uid-web")
	w.Wait(t.Context(), "uid-old")
	source.DeleteDropWatch(pod("web", "uid-web"))
	source.DeleteDropWatch(pod("set-0", "uid-old"))
	source.AddDropWatch(pod("set-0", "uid-new", "10.1.0.9"))
	source.ResetWatch()
	has(t, w, "uid-new", "10.1.0.9")
	both := []string{<-gone, <-gone}
	slices.Sort(both)
	if !slices.Equal(both, []string{"uid-old", "uid-web"}) {
		t.Errorf("gone: %v", both)
	}
}
