package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Tx reads and writes several aggregates at once; all or nothing.
type Tx struct {
	store *Store
	// Everything read or written, by TABLE/KEY, as it was first seen: that is what the commit compares.
	seen   map[string]sight
	writes map[string]*pending
	err    error // of a misuse that the functions have no way to return
}

type sight struct {
	mod   int64 // modification revision; 0: absent
	value any   // *T, shared with the index; nil *T where absent, nil for a guard
}

type pending struct {
	table table
	after any // *T; nil deletes

	committed bool // it changed something
}

const (
	// commitTimeout bounds one transaction at etcd, for callers that bring no deadline.
	commitTimeout = 5 * time.Second
	// jitterFrom is the number of conflicts after which a transaction also waits a moment before it tries again.
	jitterFrom = 3
	maxRecord  = 1 << 20
)

// Transact runs f, retried when something it read has changed meanwhile. What f read from the tables through the tx is compared at commit. An
// error of f ends the transaction and is returned as it is. When Transact returns nil, every live replica has applied the writes.
func (s *Store) Transact(ctx context.Context, f func(tx *Tx) error) error {
	for conflicts := 0; ; conflicts++ {
		if err := s.Check(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return unavailable("commit", err)
		}
		tx := &Tx{store: s, seen: make(map[string]sight), writes: make(map[string]*pending)}
		if err := f(tx); err != nil {
			if tx.err == nil && !tx.current() {
				continue // f may have seen two moments at once
			}
			return err
		}
		revision, conflict, err := tx.commit(ctx)
		if err != nil {
			return err
		}
		if conflict == nil {
			return s.barrier(ctx, revision, tx.associated(revision))
		}
		if err := s.await(ctx, conflict); err != nil {
			return err
		}
		if conflicts >= jitterFrom {
			pause := time.NewTimer(rand.N(time.Duration(conflicts) * time.Millisecond))
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
			}
		}
	}
}

// Read is a copy of a record as the transaction sees it: with its own writes.
func Read[T any](tx *Tx, t *Table[T], key string) (*T, bool) {
	full := t.name + "/" + key
	if p, ok := tx.writes[full]; ok {
		v := p.after.(*T)
		return clone(tx, v), v != nil
	}
	v := look(tx, t, key)
	return clone(tx, v), v != nil
}

// Write puts a record, or deletes it where v is nil. It is compared too: where the record changed since the transaction first read or wrote it, the
// transaction is run again.
func Write[T any](tx *Tx, t *Table[T], key string, v *T) {
	if key == "" {
		tx.fail(fmt.Errorf("a record of %s has no key", t.name))
		return
	}
	full := t.name + "/" + key
	look(tx, t, key)
	tx.writes[full] = &pending{table: t, after: v}
}

// look is a record as the transaction first saw it, whatever has become of it since.
func look[T any](tx *Tx, t *Table[T], key string) *T {
	full := t.name + "/" + key
	if first, again := tx.seen[full]; again {
		return first.value.(*T)
	}
	v, mod := t.get(key)
	tx.seen[full] = sight{mod, v}
	return v
}

// ReadBy is By within a transaction, as copies and with the transaction's own writes. The transaction is run again if, until it commits, any
// record is written that has or had this value: no record can come to refer to what the transaction deletes. Only guarded
// indexes can be read so: not ByID, whose values are never used twice, and not byGlobs.
func ReadBy[T any](tx *Tx, t *Table[T], index, value string) []*T {
	at := t.index(index)
	if at < 0 || !t.indexes[at].guarded {
		tx.fail(fmt.Errorf("%s cannot be read by %q in a transaction", t.name, index))
		return nil
	}
	guard := guardTable + "/" + t.guard(index, value)
	found := make(map[string]*T)
	t.store.mu.RLock()
	if _, again := tx.seen[guard]; !again {
		tx.seen[guard] = sight{mod: t.store.guards[guard]}
	}
	for _, e := range t.find(index, value) {
		found[t.name+"/"+e.key] = e.value
	}
	t.store.mu.RUnlock()

	for full, p := range tx.writes {
		v, ours := p.after.(*T)
		if !ours || p.table != table(t) {
			continue
		}
		delete(found, full)
		if slices.Contains(t.values(at, v), value) {
			found[full] = v
		}
	}
	var out []*T
	for _, full := range slices.Sorted(maps.Keys(found)) {
		out = append(out, clone(tx, found[full]))
	}
	return out
}

func (tx *Tx) fail(err error) { tx.err = errors.Join(tx.err, err) }

// current reports whether everything the transaction saw is still so.
func (tx *Tx) current() bool {
	tx.store.mu.RLock()
	defer tx.store.mu.RUnlock()
	for full, first := range tx.seen {
		if tx.store.mod(full) != first.mod {
			return false
		}
	}
	return true
}

// commit writes at etcd. conflict holds what etcd had at another revision than the transaction saw, nil where the transaction was made. The
// revision is that of the write, or of the newest write seen where there was nothing to write.
func (tx *Tx) commit(ctx context.Context) (revision int64, conflict map[string]int64, err error) {
	ops, err := tx.operations()
	if err != nil {
		return 0, nil, err
	}
	if len(ops) == 0 {
		return tx.store.dataRevision(), nil, nil
	}
	names := slices.Sorted(maps.Keys(tx.seen))
	compares, gets := make([]clientv3.Cmp, len(names)), make([]clientv3.Op, len(names))
	for i, full := range names {
		compares[i] = clientv3.Compare(clientv3.ModRevision(Prefix+full), "=", tx.seen[full].mod)
		gets[i] = clientv3.OpGet(Prefix+full, clientv3.WithKeysOnly())
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	defer context.AfterFunc(tx.store.ctx, cancel)()
	got, err := tx.store.client.Txn(ctx).If(compares...).Then(ops...).Else(gets...).Commit()
	switch {
	case err != nil && tx.store.ctx.Err() != nil:
		return 0, nil, tx.store.end()
	case errors.Is(err, rpctypes.ErrTooManyOps), errors.Is(err, rpctypes.ErrRequestTooLarge):
		return 0, nil, fmt.Errorf("%w: %d records: make several transactions of it", ErrTooLarge, max(len(ops), len(tx.seen)))
	case err != nil:
		return 0, nil, unavailable("commit", err)
	}
	if got.Succeeded {
		return got.Header.Revision, nil, nil
	}
	conflict = make(map[string]int64)
	for i, full := range names {
		var mod int64
		if kvs := got.Responses[i].GetResponseRange().Kvs; len(kvs) == 1 {
			mod = kvs[0].ModRevision
		}
		if first := tx.seen[full].mod; mod != first {
			conflict[full] = first
		}
	}
	return 0, conflict, nil
}

// operations are the writes that change something, and those of the guards they concern.
func (tx *Tx) operations() ([]clientv3.Op, error) {
	if tx.err != nil {
		return nil, tx.err
	}
	var ops []clientv3.Op
	guards := make(map[string]bool)
	for _, full := range slices.Sorted(maps.Keys(tx.writes)) {
		p, first := tx.writes[full], tx.seen[full]
		before, err := json.Marshal(first.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", full, err)
		}
		after, err := json.Marshal(p.after)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", full, err)
		}
		switch {
		case bytes.Equal(before, after):
			continue // absent and deleted, too: both are null
		case string(after) == "null":
			ops = append(ops, clientv3.OpDelete(Prefix+full))
		case len(after) > maxRecord:
			return nil, fmt.Errorf("%w: %s takes %d bytes: the most is %d", ErrTooLarge, full, len(after), maxRecord)
		default:
			ops = append(ops, clientv3.OpPut(Prefix+full, string(after)))
		}
		p.committed = true
		p.table.guardsOf(first.value, p.after, func(guard string) { guards[guardTable+"/"+guard] = true })
	}
	for _, guard := range slices.Sorted(maps.Keys(guards)) {
		ops = append(ops, clientv3.OpPut(Prefix+guard, ""))
	}
	return ops, nil
}

// associated says which revision the members of which clusters must have applied: that of the commit where associations were written, and
// where one was only read that of its last write: the transaction may be one that was interrupted and is asked for again.
func (tx *Tx) associated(commit int64) map[string]int64 {
	var clusters map[string]int64
	for full, first := range tx.seen {
		rest, ok := strings.CutPrefix(full, tx.store.Associations.name+"/")
		if !ok {
			continue
		}
		if clusters == nil {
			clusters = make(map[string]int64, 1)
		}
		cluster, _, _ := strings.Cut(rest, "/")
		revision := first.mod
		if p := tx.writes[full]; p != nil && p.committed {
			revision = commit
		}
		clusters[cluster] = max(clusters[cluster], revision)
	}
	return clusters
}

// await blocks until the index has left everything in conflict behind: what etcd refused is on its way to us.
func (s *Store) await(ctx context.Context, conflict map[string]int64) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return s.wait(ctx, "catch up", func() bool {
		for full, mod := range conflict {
			if s.mod(full) == mod {
				return false
			}
		}
		return true
	})
}

// clone is a deep copy by way of the stored form.
func clone[T any](tx *Tx, v *T) *T {
	if v == nil {
		return nil
	}
	out := new(T)
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		tx.fail(fmt.Errorf("copy: %w", err))
		return nil
	}
	return out
}
