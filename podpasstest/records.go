package podpasstest

import (
	"strings"
	"sync"
	"testing"

	"github.com/podpass/podpass/audit"
)

// Recorder is an audit sink that keeps its events, in the order they were recorded. Safe for concurrent use.
type Recorder struct {
	mu     sync.Mutex
	events []audit.Event
}

// Record keeps an event.
func (r *Recorder) Record(e audit.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	return nil
}

// Events are all events so far.
func (r *Recorder) Events() []audit.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]audit.Event(nil), r.events...)
}

// Since are the events behind the first n.
func (r *Recorder) Since(n int) []audit.Event { return r.Events()[n:] }

// Len is the number of events so far.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

// Last is the newest event; the test fails if there is none.
func (r *Recorder) Last(t testing.TB) audit.Event {
	t.Helper()
	events := r.Events()
	if len(events) == 0 {
		t.Fatal("no audit event was recorded")
	}
	return events[len(events)-1]
}

// Logs keeps what the authority logs. Safe for concurrent use.
type Logs struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write takes a log line.
func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
