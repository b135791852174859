package store

import (
	"slices"

	"k8s.io/utils/third_party/forked/golang/btree"
)

// records is a table's content. Entries keep their identity while their record changes, so that an index changes only when its value does.
type records[T any] struct {
	byKey   map[string]*entry[T]
	ordered *btree.BTree[*entry[T]]
	by      []values[T] // as Table.indexes
}

// values is the content of an index. Most values have one record, which then costs no list.
type values[T any] struct {
	one  map[string]*entry[T]
	many map[string][]*entry[T] // of two records or more
}

type entry[T any] struct {
	key   string
	mod   int64 // etcd's modification revision
	value *T
}

// record is nil where there is no entry.
func (e *entry[T]) record() *T {
	if e == nil {
		return nil
	}
	return e.value
}

func (t *Table[T]) empty() *records[T] {
	r := &records[T]{
		byKey:   make(map[string]*entry[T]),
		ordered: btree.New(32, func(a, b *entry[T]) bool { return a.key < b.key }),
		by:      make([]values[T], len(t.indexes)),
	}
	for i := range r.by {
		r.by[i] = values[T]{one: make(map[string]*entry[T]), many: make(map[string][]*entry[T])}
	}
	return r
}

func (t *Table[T]) put(r *records[T], key string, v *T, mod int64) {
	e, known := r.byKey[key]
	if known && e.mod >= mod {
		return // loaded at a later revision already
	}
	var old *T
	if known {
		old = e.value
	} else {
		e = &entry[T]{key: key}
		r.byKey[key] = e
		r.ordered.ReplaceOrInsert(e)
	}
	e.value, e.mod = v, mod
	t.reindex(r, e, old, v)
}

func (t *Table[T]) remove(key string) {
	e, known := t.live.byKey[key]
	if !known {
		return
	}
	delete(t.live.byKey, key)
	t.live.ordered.Delete(e)
	t.reindex(t.live, e, e.value, nil)
}

// reindex moves an entry from the index values of old to those of v; either may be nil.
func (t *Table[T]) reindex(r *records[T], e *entry[T], old, v *T) {
	for i := range t.indexes {
		before, after := t.values(i, old), t.values(i, v)
		for _, value := range before {
			if !slices.Contains(after, value) {
				r.by[i].remove(value, e)
			}
		}
		for _, value := range after {
			if !slices.Contains(before, value) {
				r.by[i].add(value, e)
			}
		}
	}
}

func (v *values[T]) add(value string, e *entry[T]) {
	if list, ok := v.many[value]; ok {
		v.many[value] = append(list, e)
	} else if first, ok := v.one[value]; ok {
		delete(v.one, value)
		v.many[value] = []*entry[T]{first, e}
	} else {
		v.one[value] = e
	}
}

func (v *values[T]) remove(value string, e *entry[T]) {
	list, ok := v.many[value]
	if !ok {
		delete(v.one, value)
		return
	}
	last := len(list) - 1
	list[slices.Index(list, e)], list[last] = list[last], nil
	if list = list[:last]; last == 1 {
		delete(v.many, value)
		v.one[value] = list[0]
	} else {
		v.many[value] = list
	}
}

// values are a record's distinct values in one index.
func (t *Table[T]) values(index int, v *T) []string {
	if v == nil {
		return nil
	}
	var out []string
	t.indexes[index].values(v, func(value string) {
		if !slices.Contains(out, value) {
			out = append(out, value)
		}
	})
	return out
}
