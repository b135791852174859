package guard

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	pageSize   = 500 // objects in memory at once, of a list of 100,000
	watchAtMin = 5 * time.Minute
	firstPause = 200 * time.Millisecond
	maxPause   = 15 * time.Second
)

// feed is a resource that is followed. client-go's reflector is not used: it holds a whole list in memory before it hands it over, and the
// API server sends a list from its cache in one piece.
type feed struct {
	name  string
	list  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
	field string // selector

	begin func() // a list of everything
	put   func(metav1.Object)
	end   func()
	gone  func(metav1.Object)

	failed func(name string, err error) // nil error: it works again
}

var errGone = errors.New("the API server does not remember that version any more")

// follow feeds until ctx ends.
func (f *feed) follow(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		version, err := f.all(ctx)
		for err == nil {
			f.failed(f.name, nil)
			pause = firstPause
			version, err = f.since(ctx, version)
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errGone) {
			f.failed(f.name, err)
		}
		if !sleep(ctx, pause/2+rand.N(pause/2)) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// all lists everything in pages, and returns the version from which to watch.
func (f *feed) all(ctx context.Context) (version string, err error) {
	f.begin()
	options := metav1.ListOptions{Limit: pageSize, FieldSelector: f.field}
	for {
		list, err := f.list(ctx, options)
		if err != nil {
			return "", err
		}
		err = meta.EachListItem(list, func(o runtime.Object) error {
			object, err := meta.Accessor(o)
			if err == nil {
				f.put(object)
			}
			return err
		})
		if err != nil {
			return "", err
		}
		page, err := meta.ListAccessor(list)
		if err != nil {
			return "", err
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			f.end()
			return page.GetResourceVersion(), nil
		}
	}
}

// since feeds what happened since the version, until the API server ends the watch or ctx does.
func (f *feed) since(ctx context.Context, version string) (string, error) {
	seconds := int64((watchAtMin + rand.N(watchAtMin)).Seconds())
	w, err := f.watch(ctx, metav1.ListOptions{ResourceVersion: version, FieldSelector: f.field, AllowWatchBookmarks: true, TimeoutSeconds: &seconds})
	switch {
	case apierrors.IsResourceExpired(err) || apierrors.IsGone(err):
		return "", errGone
	case err != nil:
		return "", err
	}
	defer w.Stop()
	began := version
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case e, ok := <-w.ResultChan():
			if !ok {
				if version == began && !sleep(ctx, firstPause) { // an API server that ends watches at once is not to be asked without pause
					return "", ctx.Err()
				}
				return version, nil
			}
			if e.Type == watch.Error {
				if err := apierrors.FromObject(e.Object); !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
					return "", err
				}
				return "", errGone
			}
			object, err := meta.Accessor(e.Object)
			if err != nil {
				return "", err
			}
			version = object.GetResourceVersion()
			switch e.Type {
			case watch.Added, watch.Modified:
				f.put(object)
			case watch.Deleted:
				f.gone(object)
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
