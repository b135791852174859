package store

import (
	"sync"

	"github.com/podpass/podpass/policy"
)

// The cache of parsed documents holds two generations of at most this many documents and bytes of text each. A parsed document takes
// several times its text.
const (
	generationDocuments = 8 << 10
	generationBytes     = 4 << 20
)

// Compiled parses documents through a bounded cache. What does not parse is not remembered: it is refused when it is written, so it is never
// asked for twice by an honest caller and cannot push anything out.
func (s *Store) Compiled(text string, use policy.Use) (*policy.Document, error) {
	return s.compiled.get(text, use)
}

type compiledKey struct {
	text string
	use  policy.Use
}

// documents is a cache of two generations: a full young one becomes the old one, and what is asked for again moves back. It approximates
// least-recently-used without writing anything on a hit.
type documents struct {
	mu         sync.RWMutex
	young, old map[compiledKey]*policy.Document
	bytes      int // of text, in young
}

func (d *documents) get(text string, use policy.Use) (*policy.Document, error) {
	key := compiledKey{text, use}
	d.mu.RLock()
	doc, fresh := d.young[key]
	if !fresh {
		doc = d.old[key]
	}
	d.mu.RUnlock()
	if fresh {
		return doc, nil
	}
	if doc == nil {
		var err error
		if doc, err = policy.Parse(text, use); err != nil {
			return nil, err
		}
	}
	d.keep(key, doc)
	return doc, nil
}

func (d *documents) keep(key compiledKey, doc *policy.Document) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.young[key]; known {
		return
	}
	if d.young == nil || len(d.young) >= generationDocuments || d.bytes+len(key.text) > generationBytes {
		d.old, d.young, d.bytes = d.young, make(map[compiledKey]*policy.Document), 0
	}
	d.young[key] = doc
	d.bytes += len(key.text)
}
