package agent

import "container/list"

// lru is a map that forgets what was used least recently beyond its size. It is not safe for concurrent use.
type lru[K comparable, V any] struct {
	size  int
	items map[K]*list.Element
	order *list.List // of node[K, V], the most recently used first
}

type node[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{size: size, items: map[K]*list.Element{}, order: list.New()}
}

func (l *lru[K, V]) len() int { return len(l.items) }

// get is a use.
func (l *lru[K, V]) get(key K) (value V, ok bool) {
	e, ok := l.items[key]
	if !ok {
		return value, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*node[K, V]).value, true
}

// put is a use too. It reports whether something had to go for it.
func (l *lru[K, V]) put(key K, value V) (full bool) {
	if e, ok := l.items[key]; ok {
		e.Value.(*node[K, V]).value = value
		l.order.MoveToFront(e)
		return false
	}
	l.items[key] = l.order.PushFront(&node[K, V]{key, value})
	if len(l.items) <= l.size {
		return false
	}
	last := l.order.Remove(l.order.Back()).(*node[K, V])
	delete(l.items, last.key)
	return true
}

func (l *lru[K, V]) remove(key K) {
	if e, ok := l.items[key]; ok {
		l.order.Remove(e)
		delete(l.items, key)
	}
}

// removeIf forgets everything of which matches says so.
func (l *lru[K, V]) removeIf(matches func(V) bool) {
	for key, e := range l.items {
		if matches(e.Value.(*node[K, V]).value) {
			l.order.Remove(e)
			delete(l.items, key)
		}
	}
}

// each is no use of what it shows.
func (l *lru[K, V]) each(see func(K, V)) {
	for key, e := range l.items {
		see(key, e.Value.(*node[K, V]).value)
	}
}
