package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// MaxInput is the longest input ParseDocuments reads, in bytes; MaxDocuments the most documents in it.
const (
	MaxInput     = 1 << 20
	MaxDocuments = 1000
)

// Mistake is one thing wrong with the input of apply.
type Mistake struct {
	Document int    // from 1; 0 for the input as a whole
	Line     int    // where the document begins, from 1; 0 if it didn't come from a file
	Object   string // "Role reader", as far as it could be read
	Field    string // "spec.trust.namespace"; "" for the document as a whole
	Message  string
}

func (m Mistake) String() string {
	var b strings.Builder
	if m.Document > 0 {
		fmt.Fprintf(&b, "document %d", m.Document)
		switch {
		case m.Object != "" && m.Line > 0:
			fmt.Fprintf(&b, " (%s, line %d)", m.Object, m.Line)
		case m.Object != "":
			fmt.Fprintf(&b, " (%s)", m.Object)
		case m.Line > 0:
			fmt.Fprintf(&b, " (line %d)", m.Line)
		}
		b.WriteString(": ")
	}
	if m.Field != "" {
		b.WriteString(m.Field + ": ")
	}
	return b.String() + m.Message
}

// Mistakes is every mistake found, as one error of a line each.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].String()
	}
	return strings.Join(lines, "\n")
}

// ParseDocuments reads the documents of a YAML (or JSON) input, separated by lines of "---". Its error is a Mistakes and lists every
// document's. Empty documents are skipped and still counted.
func ParseDocuments(input []byte) ([]Document, error) {
	if len(input) > MaxInput {
		return nil, Mistakes{{Message: fmt.Sprintf("the input is longer than %d bytes: apply it in parts", MaxInput)}}
	}
	var documents []Document
	var mistakes Mistakes
	parts := split(input)
	if len(parts) > MaxDocuments {
		return nil, Mistakes{{Message: fmt.Sprintf("the input has more than %d documents: apply it in parts", MaxDocuments)}}
	}
	for i, part := range parts {
		text, err := yaml.YAMLToJSONStrict(part.text)
		if err != nil {
			mistakes = append(mistakes, Mistake{Document: i + 1, Line: part.line, Message: part.complaint(err)})
			continue
		}
		if string(bytes.TrimSpace(text)) == "null" {
			continue
		}
		if len(text) > 4*MaxInput { // aliases can make a small document a large one
			mistakes = append(mistakes, Mistake{Document: i + 1, Line: part.line, Message: "is too large once its aliases are written out"})
			continue
		}
		d, found := decode(text)
		for _, m := range found {
			m.Document, m.Line = i+1, part.line
			mistakes = append(mistakes, m)
		}
		documents = append(documents, d)
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	if len(documents) == 0 {
		return nil, Mistakes{{Message: "the input holds no document"}}
	}
	return documents, nil
}

type part struct {
	line int // of its first line, from 1
	text []byte
}

// complaint is what the YAML library says of the part, with line numbers of the whole input and without the layers it names.
func (p part) complaint(err error) string {
	moved := append(bytes.Repeat([]byte("\n"), p.line-1), p.text...)
	if _, again := yaml.YAMLToJSONStrict(moved); again != nil {
		err = again
	}
	text := err.Error()
	for _, layer := range []string{"yaml: ", "error converting YAML to JSON: ", "yaml: ", "unmarshal errors:"} {
		text = strings.TrimPrefix(text, layer)
	}
	return "is not YAML: " + strings.Join(strings.Fields(text), " ")
}

// split cuts a YAML stream at its document markers. A marker is always at the beginning of a line: YAML forbids it there inside any scalar.
func split(input []byte) []part {
	parts := []part{{line: 1}}
	n := 0
	for line := range bytes.Lines(input) {
		n++
		last := &parts[len(parts)-1]
		switch mark := bytes.TrimRight(line, " \t\r\n"); {
		case bytes.Equal(mark, []byte("---")), bytes.HasPrefix(line, []byte("--- ")), bytes.HasPrefix(line, []byte("---\t")):
			if len(bytes.TrimSpace(last.text)) == 0 && len(parts) == 1 {
				parts = parts[:0] // nothing stood before the first marker
			}
			parts = append(parts, part{n, append([]byte("   "), line[3:]...)})
		case bytes.Equal(mark, []byte("...")):
			// The end of a document. The YAML library would drop whatever follows without a word; so it becomes a document of its own.
			parts = append(parts, part{line: n + 1})
		default:
			last.text = append(last.text, line...)
		}
	}
	return parts
}

// UnmarshalJSON reads one document strictly. Its error is a Mistakes.
func (d *Document) UnmarshalJSON(text []byte) error {
	read, mistakes := decode(text)
	if len(mistakes) > 0 {
		return mistakes
	}
	*d = read
	return nil
}

// decode reads one document and finds every mistake in it.
func decode(text []byte) (Document, Mistakes) {
	var outer struct {
		APIVersion string          `json:"apiVersion"`
		Kind       string          `json:"kind"`
		Metadata   Metadata        `json:"metadata"`
		Spec       json.RawMessage `json:"spec"`
	}
	var found Mistakes
	note := func(field, format string, args ...any) {
		object := strings.TrimSpace(outer.Kind + " " + outer.Metadata.Name)
		found = append(found, Mistake{Object: object, Field: field, Message: fmt.Sprintf(format, args...)})
	}
	strict(text, &outer, "", note)
	if outer.APIVersion != Version {
		note("apiVersion", "is %q, want %s", outer.APIVersion, Version)
	}
	d := Document{APIVersion: outer.APIVersion, Kind: outer.Kind, Metadata: outer.Metadata, Spec: NewSpec(outer.Kind)}
	if d.Spec == nil {
		note("kind", "is %q, want Cluster, Role, Policy, OIDCProvider, Association or ServiceAccount", outer.Kind)
		return d, found
	}
	if given(outer.Spec) {
		before := len(found)
		strict(outer.Spec, d.Spec, "spec.", note)
		if len(found) > before {
			return d, found // what a half-read spec lacks would be noise
		}
	}
	d.check(note)
	return d, found
}

// strict decodes JSON with neither unknown nor repeated members, and notes what is wrong under the prefix of a path.
func strict(text []byte, v any, prefix string, note notes) {
	complaints, err := kjson.UnmarshalStrict(text, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		field := strings.TrimSuffix(prefix+wrong.Field, ".")
		if wrong.Type.Kind() == reflect.String && (wrong.Value == "number" || wrong.Value == "bool") {
			note(field, "is a %s where text is wanted: put it in quotes", wrong.Value) // 0123, yes, n
		} else {
			note(field, "is of the wrong type: %s where %s is wanted", wrong.Value, typeName(wrong.Type.Kind()))
		}
	case err != nil:
		note(strings.TrimSuffix(prefix, "."), "is not JSON: %v", err)
	}
	for _, c := range complaints {
		var at kjson.FieldError
		if errors.As(c, &at) {
			path := at.FieldPath()
			message := strings.TrimSuffix(c.Error(), fmt.Sprintf(" %q", path))
			note(prefix+path, "%s", message)
			continue
		}
		note(strings.TrimSuffix(prefix, "."), "%v", c)
	}
}

// typeName is a Go kind in the words of YAML.
func typeName(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "text"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	}
	return "a whole number"
}
