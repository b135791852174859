package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Secondary indexes.
const (
	ByID      = "id"      // Roles, Users: unique id; Associations: a-…
	ByPolicy  = "policy"  // Roles, Users: attached policy ARN or boundary
	ByUser    = "user"    // AccessKeys: user unique id
	ByIssuer  = "issuer"  // Clusters, Providers: issuer URL
	ByAccount = "account" // Clusters: account
	byGlobs   = "globs"   // Associations that are for more than one service account: cluster and namespace
)

// Table is one aggregate. Records handed out are shared and read-only; Update's function gets a copy of its own.
type Table[T any] struct {
	store   *Store
	name    string
	indexes []index[T]
	live    *records[T] // guarded by store.mu
	staged  *records[T] // being loaded; touched by the loader alone
}

// index is a secondary index of a table. A guarded one can be read in a transaction (ReadBy): every write of a record also writes the guard keys of
// the values it had and has.
type index[T any] struct {
	name    string
	guarded bool
	values  func(v *T, add func(value string))
}

func newTable[T any](s *Store, name string, indexes []index[T]) *Table[T] {
	t := &Table[T]{store: s, name: name, indexes: indexes}
	t.live = t.empty()
	s.tables[name] = t
	return t
}

// Get reads the index.
func (t *Table[T]) Get(key string) (*T, bool) {
	v, mod := t.get(key)
	return v, mod != 0
}

// Len is the number of records.
func (t *Table[T]) Len() int {
	t.store.mu.RLock()
	defer t.store.mu.RUnlock()
	return len(t.live.byKey)
}

// get also gives the record's modification revision, 0 where there is none.
func (t *Table[T]) get(key string) (*T, int64) {
	t.store.mu.RLock()
	defer t.store.mu.RUnlock()
	if e, ok := t.live.byKey[key]; ok {
		return e.value, e.mod
	}
	return nil, 0
}

// listChunk is how many records List takes at once: it never holds the lock while its caller works.
const listChunk = 256

// List yields the records whose keys have the prefix, in key order, starting behind after ("" from the start). Records written or deleted while
// it runs may or may not be seen; every other one is.
func (t *Table[T]) List(prefix, after string) iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		type record struct {
			key   string
			value *T
		}
		chunk := make([]record, 0, listChunk)
		for last := after; ; {
			chunk = chunk[:0]
			t.store.mu.RLock()
			t.live.ordered.AscendGreaterOrEqual(&entry[T]{key: max(prefix, last)}, func(e *entry[T]) bool {
				if !strings.HasPrefix(e.key, prefix) {
					return false
				}
				if e.key != last {
					chunk = append(chunk, record{e.key, e.value})
				}
				return len(chunk) < listChunk
			})
			t.store.mu.RUnlock()
			for _, r := range chunk {
				if !yield(r.key, r.value) {
					return
				}
			}
			if len(chunk) < listChunk {
				return
			}
			last = chunk[len(chunk)-1].key
		}
	}
}

// By looks up a secondary index; the records come in key order. A table has no records under an index it does not have.
func (t *Table[T]) By(index, value string) []*T {
	t.store.mu.RLock()
	defer t.store.mu.RUnlock()
	found := t.find(index, value)
	if len(found) == 0 {
		return nil
	}
	out := make([]*T, len(found))
	for i, e := range found {
		out[i] = e.value
	}
	return out
}

// find is By's entries in key order; the caller holds store.mu.
func (t *Table[T]) find(index, value string) []*entry[T] {
	at := t.index(index)
	if at < 0 {
		return nil
	}
	if e, ok := t.live.by[at].one[value]; ok {
		return []*entry[T]{e}
	}
	found := slices.Clone(t.live.by[at].many[value])
	slices.SortFunc(found, func(a, b *entry[T]) int { return strings.Compare(a.key, b.key) })
	return found
}

func (t *Table[T]) index(name string) int {
	return slices.IndexFunc(t.indexes, func(i index[T]) bool { return i.name == name })
}

// Update is a compare-and-swap: change gets nil where the key is absent, and returns nil to delete. It may be called more than once. An error of
// change ends the update and is returned as it is. Returning what it got, unchanged, writes nothing.
func (t *Table[T]) Update(ctx context.Context, key string, change func(old *T) (*T, error)) (*T, error) {
	var out *T
	err := t.store.Transact(ctx, func(tx *Tx) error {
		old, _ := Read(tx, t, key)
		changed, err := change(old)
		if err != nil {
			return err
		}
		Write(tx, t, key, changed)
		out = changed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// table is what loading and watching need of a Table.
type table interface {
	stage()                                                     // begin an empty content beside the live one
	load(key string, value []byte, mod int64) error             // into the staged content
	swap()                                                      // make it live; store.mu held
	change(key string, value []byte, mod int64) (func(), error) // prepares a watched write, applied under store.mu
	remove(key string)                                          // store.mu held
	guardsOf(before, after any, add func(guard string))         // of a write
	mod(key string) int64                                       // modification revision, 0 where absent; store.mu held
}

func (t *Table[T]) mod(key string) int64 {
	if e, ok := t.live.byKey[key]; ok {
		return e.mod
	}
	return 0
}

func (t *Table[T]) stage() { t.staged = t.empty() }

func (t *Table[T]) swap() { t.live, t.staged = t.staged, nil }

func (t *Table[T]) load(key string, value []byte, mod int64) error {
	key, v, err := t.decode(key, value)
	if err == nil {
		t.put(t.staged, key, v, mod)
	}
	return err
}

func (t *Table[T]) change(key string, value []byte, mod int64) (func(), error) {
	key, v, err := t.decode(key, value)
	if err != nil {
		return nil, err
	}
	return func() { t.put(t.live, key, v, mod) }, nil
}

// decode reads a stored record, and packs it together with its key.
func (t *Table[T]) decode(key string, value []byte) (string, *T, error) {
	v := new(T)
	if err := json.Unmarshal(value, v); err != nil {
		return "", nil, fmt.Errorf("stored record %s/%s cannot be read: %w", t.name, key, err)
	}
	if many, ok := any(v).(packable); ok {
		key = t.store.shared.pack(key, many)
	}
	return key, v, nil
}

func (t *Table[T]) guardsOf(before, after any, add func(string)) {
	for i := range t.indexes {
		if !t.indexes[i].guarded {
			continue
		}
		for _, v := range []any{before, after} {
			for _, value := range t.values(i, v.(*T)) {
				add(t.guard(t.indexes[i].name, value))
			}
		}
	}
}

func (t *Table[T]) guard(index, value string) string { return t.name + "/" + index + "/" + value }

// lower is ASCII lower case, which is how IAM compares names.
func lower(s string) string { return strings.ToLower(s) }
