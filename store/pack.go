package store

import (
	"strings"

	"github.com/podpass/podpass/identity"
)

// A hundred thousand roles are held in memory, and the garbage collector visits every one of their strings again and again: taken as they come out of
// the decoder, they would cost each exchange more than its signature check does. So the strings of a record are laid out in one, and those
// that many records have in common, such as accounts and policy ARNs, are held once.

// packable is a record there may be very many of.
type packable interface {
	pack(p *packing)
}

// packing collects what a record is made of.
type packing struct {
	shared *shared
	texts  []*string
	maps   []map[string]string
}

// shared holds strings once, the last few thousand different ones: in two generations, like the cache of documents.
type shared struct {
	young, old map[string]string
}

const sharedGeneration = 4096

func (s *shared) string(text string) string {
	if same, ok := s.young[text]; ok {
		return same
	}
	same, ok := s.old[text]
	if !ok {
		same = strings.Clone(text)
	}
	if s.young == nil || len(s.young) == sharedGeneration {
		s.old, s.young = s.young, make(map[string]string)
	}
	s.young[same] = same
	return same
}

// pack lays a record's own strings, and its key, out in one. It gives the key there.
func (s *shared) pack(key string, v packable) string {
	p := packing{shared: s}
	v.pack(&p)
	size := len(key)
	for _, text := range p.texts {
		size += len(*text)
	}
	for _, m := range p.maps {
		for _, text := range m {
			size += len(text)
		}
	}
	var all strings.Builder
	all.Grow(size)
	add := func(text string) string {
		all.WriteString(text)
		return all.String()[all.Len()-len(text):]
	}
	key = add(key)
	for _, text := range p.texts {
		*text = add(*text)
	}
	for _, m := range p.maps {
		for name, text := range m {
			m[s.string(name)] = add(text)
		}
	}
	return key
}

// share is for texts that many records have.
func (p *packing) share(texts ...*string) {
	for _, text := range texts {
		*text = p.shared.string(*text)
	}
}

func (p *packing) shareAll(texts []string) {
	for i := range texts {
		texts[i] = p.shared.string(texts[i])
	}
}

// own is for texts of this record alone.
func (p *packing) own(texts ...*string) { p.texts = append(p.texts, texts...) }

// ownValues is for maps whose keys many records have, and whose values are this record's alone.
func (p *packing) ownValues(m map[string]string) { p.maps = append(p.maps, m) }

func (p *packing) tags(tags identity.Tags) {
	for i := range tags {
		p.share(&tags[i].Key)
		p.own(&tags[i].Value)
	}
}
