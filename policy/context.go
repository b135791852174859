package policy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Context holds condition keys and their values. Keys compare without regard to case, also the tag-key part of
// aws:RequestTag/K. The zero Context is empty and usable. It is safe for concurrent reads.
//
// It is built anew for every request, with some thirty keys, and read by every condition. So it is a slice, not a map: each key has
// a small tag (its length and three of its letters) that a look-up compares before it compares any text. Keys already in lower case
// compare fastest.
type Context struct {
	entries []entry
}

type entry struct {
	key   string
	one   string   // the value of a single-valued key
	many  []string // of a multivalued one
	multi bool
	tag   uint32
}

// typicalKeys entries fill an allocation of 2,304 bytes.
const typicalKeys = 35

// Set sets a single-valued key, replacing what was there.
func (c *Context) Set(key, value string) { c.put(entry{key: key, one: value}) }

// SetMany sets a multivalued one. An empty list is "present and empty": not missing, but no operator finds a value in it.
// The slice is kept, not copied.
func (c *Context) SetMany(key string, values []string) {
	c.put(entry{key: key, many: values, multi: true})
}

func (c *Context) put(e entry) {
	e.key = plainKey(e.key)
	e.tag = keyTag(e.key)
	if i := c.index(e.key, e.tag); i >= 0 {
		c.entries[i] = e
		return
	}
	if c.entries == nil {
		c.entries = make([]entry, 0, typicalKeys)
	}
	c.entries = append(c.entries, e)
}

// Get returns a key's values; ok is false when the key is absent.
func (c *Context) Get(key string) (values []string, ok bool) {
	key = plainKey(key)
	e := c.find(key, keyTag(key))
	switch {
	case e == nil:
		return nil, false
	case e.multi:
		return slices.Clone(e.many), true
	default:
		return []string{e.one}, true
	}
}

// Keys are the names present, in the order they were set.
func (c *Context) Keys() []string {
	if c == nil {
		return nil
	}
	keys := make([]string, len(c.entries))
	for i := range c.entries {
		keys[i] = c.entries[i].key
	}
	return keys
}

// Clone returns a copy to overlay; the original isn't changed by what is set in it. A nil Context clones to an empty one.
func (c *Context) Clone() *Context {
	if c == nil {
		return &Context{}
	}
	return &Context{entries: append(make([]entry, 0, len(c.entries)+8), c.entries...)}
}

// find looks a key up that plainKey has seen; keyTag gave tag.
func (c *Context) find(key string, tag uint32) *entry {
	if i := c.index(key, tag); i >= 0 {
		return &c.entries[i]
	}
	return nil
}

func (c *Context) index(key string, tag uint32) int {
	if c == nil {
		return -1
	}
	for i := range c.entries {
		e := &c.entries[i]
		if e.tag == tag && (e.key == key || equalFoldASCII(e.key, key)) {
			return i
		}
	}
	return -1
}

// plainKey lowers the letters beyond ASCII, which only tag keys have, so that everything behind it need fold ASCII only.
// A letter whose lower case is ASCII (the Kelvin sign) stays: it must not pass for a "k".
func plainKey(key string) string {
	var or byte
	for i := 0; i < len(key); i++ {
		or |= key[i]
	}
	if or < utf8.RuneSelf {
		return key
	}
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); r >= utf8.RuneSelf && l >= utf8.RuneSelf {
			return l
		}
		return r
	}, key)
}

func lowerKey(key string) string {
	key = plainKey(key)
	for i := 0; i < len(key); i++ {
		if 'A' <= key[i] && key[i] <= 'Z' {
			b := []byte(key)
			for ; i < len(b); i++ {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return key
}

func keyTag(key string) uint32 {
	n := len(key)
	if n == 0 {
		return 0
	}
	return uint32(n)<<24 | uint32(key[n/2]|0x20)<<16 | uint32(key[n-1]|0x20)<<8 | uint32(key[n*3/4]|0x20)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func equalFoldASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}
