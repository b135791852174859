package certificate

import (
	"context"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	shortestPause = 100 * time.Millisecond // between two passes, whatever happens
	firstRetry    = 200 * time.Millisecond // after a pass that failed; doubled after each
	longestRetry  = 15 * time.Second
	watchAgain    = time.Second // after a watch that ended
)

// Run keeps the certificate until ctx ends, and then returns nil. Nothing that fails ends it: it is said and tried again.
func (m *Manager) Run(ctx context.Context) error {
	watches := []func(context.Context) (watch.Interface, error){func(ctx context.Context) (watch.Interface, error) {
		return m.cfg.Secrets.Watch(ctx, only(m.cfg.Name))
	}}
	for _, p := range m.cfg.Publish {
		watches = append(watches, p.Watch)
	}
	ended := make(chan struct{})
	for _, open := range watches {
		go func() {
			follow(ctx, open, m.changed)
			ended <- struct{}{}
		}()
	}
	m.loop(ctx)
	for range watches {
		<-ended
	}
	return nil
}

func (m *Manager) loop(ctx context.Context) {
	retry := firstRetry
	for ctx.Err() == nil {
		pause, err := m.tend(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			m.fail(err)
			pause, retry = retry, min(2*retry, longestRetry)
		} else {
			m.succeed()
			retry = firstRetry
		}
		if !sleep(ctx, shortestPause) {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-m.look:
		}
		timer.Stop()
	}
}

// fail says what is wrong once, not at each attempt.
func (m *Manager) fail(err error) {
	why := err.Error()
	m.failure.Store(&why)
	if why != m.said {
		m.cfg.Log.Error("the certificate cannot be kept", "error", why)
		m.said = why
	}
}

func (m *Manager) succeed() {
	m.failure.Store(nil)
	if m.said != "" {
		m.cfg.Log.Info("the certificate is kept again", "secret", m.cfg.Name)
		m.said = ""
	}
}

// changed asks for a pass.
func (m *Manager) changed() {
	select {
	case m.look <- struct{}{}:
	default:
	}
}

// follow calls changed at each event of the watch, which it opens again whenever it ends. Nothing is taken from the events: a pass reads for itself.
func follow(ctx context.Context, open func(context.Context) (watch.Interface, error), changed func()) {
	for ctx.Err() == nil {
		if w, err := open(ctx); err == nil {
			drain(ctx, w, changed)
		}
		// Also where it failed: what is watched may have changed unseen.
		sleep(ctx, watchAgain)
		changed()
	}
}

func drain(ctx context.Context, w watch.Interface, changed func()) {
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.ResultChan():
			if !ok || e.Type == watch.Error {
				return
			}
			changed()
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

// only selects one object, which is all that a role limited to it may watch.
func only(name string) meta.ListOptions {
	return meta.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String()}
}
