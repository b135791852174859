package store

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Documents are inline policies by name. They are a list in order of name and not a map: nearly every role has one or two, and a map
// of one takes several times the memory of what is in it, all of which the garbage collector must visit. In JSON they are an object.
type Documents []NamedDocument

// NamedDocument is one inline policy.
type NamedDocument struct{ Name, Text string }

// DocumentsOf makes Documents of a map; of an empty one none.
func DocumentsOf(m map[string]string) Documents {
	var d Documents
	for _, name := range slices.Sorted(maps.Keys(m)) {
		d = append(d, NamedDocument{name, m[name]})
	}
	return d
}

func (d Documents) find(name string) (int, bool) {
	return slices.BinarySearchFunc(d, name, func(n NamedDocument, name string) int { return strings.Compare(n.Name, name) })
}

// Get is the text of a name.
func (d Documents) Get(name string) (text string, ok bool) {
	i, ok := d.find(name)
	if !ok {
		return "", false
	}
	return d[i].Text, true
}

// With is d with one document added or replaced; d is left as it is.
func (d Documents) With(name, text string) Documents {
	i, found := d.find(name)
	out := slices.Clone(d)
	if found {
		out[i].Text = text
		return out
	}
	return slices.Insert(out, i, NamedDocument{name, text})
}

// Without is d less one document; d is left as it is.
func (d Documents) Without(name string) Documents {
	return slices.DeleteFunc(slices.Clone(d), func(n NamedDocument) bool { return n.Name == name })
}

// MarshalJSON writes an object of texts by name.
func (d Documents) MarshalJSON() ([]byte, error) {
	m := make(map[string]string, len(d))
	for _, n := range d {
		m[n.Name] = n.Text
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Documents) UnmarshalJSON(b []byte) error {
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*d = DocumentsOf(m)
	return nil
}

func (d Documents) pack(p *packing) {
	for i := range d {
		p.share(&d[i].Name)
		p.own(&d[i].Text)
	}
}
