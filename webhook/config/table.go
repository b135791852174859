package config

import (
	"slices"

	"github.com/podpass/podpass/identity"
)

// table is entries by the service accounts they are for. It does not change.
type table[T any] struct {
	exact map[identity.ServiceAccount]T
	wild  []entry[T] // the one that goes before comes first
}

type entry[T any] struct {
	globs identity.Globs
	value T
}

func newTable[T any](entries []entry[T]) *table[T] {
	t := &table[T]{exact: make(map[identity.ServiceAccount]T, len(entries))}
	for _, e := range entries {
		if e.globs.Wild() {
			t.wild = append(t.wild, e)
		} else {
			t.exact[identity.ServiceAccount{Namespace: e.globs.Namespace, Name: e.globs.ServiceAccount}] = e.value
		}
	}
	slices.SortFunc(t.wild, func(a, b entry[T]) int { return a.globs.Compare(b.globs) })
	return t
}

// find is the entry that goes before all others that match.
func (t *table[T]) find(namespace, name string) (value T, ok bool) {
	if t == nil {
		return value, false
	}
	account := identity.ServiceAccount{Namespace: namespace, Name: name}
	if value, ok = t.exact[account]; ok {
		return value, true
	}
	for _, e := range t.wild {
		if e.globs.Match(account) {
			return e.value, true
		}
	}
	return value, false
}

func (t *table[T]) len() int {
	if t == nil {
		return 0
	}
	return len(t.exact) + len(t.wild)
}

// entries are all of them, by NAMESPACE/NAME.
func (t *table[T]) entries() map[string]T {
	all := map[string]T{}
	if t == nil {
		return all
	}
	for account, value := range t.exact {
		all[account.String()] = value
	}
	for _, e := range t.wild {
		all[e.globs.String()] = e.value
	}
	return all
}
