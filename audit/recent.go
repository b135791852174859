package audit

import "sync"

// Recent is a Sink that passes events on and remembers the last so many that issued an access key, and the last few exchanges of each service account.
type Recent struct {
	next  Sink
	path  string
	mu    sync.Mutex
	byKey map[string]Event
	order []string // ring of access key ids, oldest at at
	at    int

	exchanges exchanges
}

// NewRecent remembers the last size issuing events. path names the audit file to search for older ones; "" means there is none.
func NewRecent(next Sink, size int, path string) *Recent {
	return &Recent{next: next, path: path, byKey: make(map[string]Event), order: make([]string, size)}
}

// Record passes the event on and remembers it once it is written.
func (r *Recent) Record(e Event) error {
	if err := r.next.Record(e); err != nil {
		return err
	}
	r.exchanges.add(&e)
	if e.AccessKeyID == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byKey, r.order[r.at])
	r.order[r.at] = e.AccessKeyID
	r.byKey[e.AccessKeyID] = e
	r.at = (r.at + 1) % len(r.order)
	return nil
}

// Whois is the event that issued an access key: from memory, else from the audit file.
func (r *Recent) Whois(accessKeyID string) (Event, bool) {
	r.mu.Lock()
	e, ok := r.byKey[accessKeyID]
	r.mu.Unlock()
	if ok || r.path == "" {
		return e, ok
	}
	e, ok, err := Search(r.path, accessKeyID)
	return e, ok && err == nil
}

// Exchanges are the latest of a service account, refusals included, the newest first: the last ten, unless thousands of service accounts were heard
// of since.
func (r *Recent) Exchanges(cluster, namespace, serviceAccount string) []Exchange {
	return r.exchanges.of(workload{cluster, namespace, serviceAccount})
}
