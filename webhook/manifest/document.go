package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one document of a file.
type Document struct {
	raw     []byte     // as it was read, with the line that separates it from the one before
	head    []byte     // that line
	root    *yaml.Node // nil where there is nothing in it
	json    bool
	changed bool
}

// Read splits a file into its documents.
func Read(text []byte) ([]*Document, error) {
	var documents []*Document
	for i, part := range split(text) {
		d := &Document{raw: part}
		body := part
		if bytes.HasPrefix(part, []byte("---")) {
			end := bytes.IndexByte(part, '\n') + 1
			if end == 0 {
				end = len(part)
			}
			// What follows the dashes on their line belongs to the document: "--- {a: b}".
			if rest := strings.TrimSpace(string(part[3:end])); rest == "" || strings.HasPrefix(rest, "#") {
				d.head, body = part[:end], part[end:]
			}
		}
		var node yaml.Node
		if err := yaml.Unmarshal(body, &node); err != nil {
			return nil, fmt.Errorf("document %d: %s", i+1, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
			d.root = &node
			d.json = json.Valid(body)
		}
		documents = append(documents, d)
	}
	return documents, nil
}

// split cuts before the lines that separate documents. In YAML no line within a document begins with three dashes, save of a scalar that
// is the whole document.
func split(text []byte) [][]byte {
	var parts [][]byte
	start := 0
	for at := 0; at < len(text); {
		end := bytes.IndexByte(text[at:], '\n') + 1
		if end == 0 {
			end = len(text) - at
		}
		if line := text[at : at+end]; at > start && separates(line) {
			parts = append(parts, text[start:at])
			start = at
		}
		at += end
	}
	if start < len(text) {
		parts = append(parts, text[start:])
	}
	return parts
}

func separates(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(bytes.TrimSpace(rest)) == 0 || rest[0] == ' ' || rest[0] == '\t')
}

// Bytes is the document: as it was, or with its changes in its own format.
func (d *Document) Bytes() ([]byte, error) {
	if !d.changed {
		return d.raw, nil
	}
	if d.json {
		text, err := d.JSON()
		return append(bytes.Clone(d.head), text...), err
	}
	var b bytes.Buffer
	b.Write(d.head)
	e := yaml.NewEncoder(&b)
	indent, compact := style(d.root)
	e.SetIndent(indent)
	if compact {
		e.CompactSeqIndent()
	}
	err := errors.Join(e.Encode(d.root), e.Close())
	return b.Bytes(), err
}

// JSON is the document as indented JSON; nil where there is nothing in it.
func (d *Document) JSON() ([]byte, error) {
	if d.root == nil {
		return nil, nil
	}
	text, err := toJSON(nil, d.root.Content[0])
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, text, "", "  ")
	b.WriteByte('\n')
	return b.Bytes(), err
}

// Separated reports whether the document begins with the line that separates it from one before.
func (d *Document) Separated() bool { return bytes.HasPrefix(d.raw, []byte("---")) }

// style is how the document is indented, and whether its lists stand below their key rather than right of it.
func style(n *yaml.Node) (indent int, compact bool) {
	indent, compact = 2, false
	var seenMap, seenList bool
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && child.Style&yaml.FlowStyle == 0 && len(child.Content) > 0 {
				key := n.Content[i-1]
				switch by := child.Column - key.Column; {
				case child.Kind == yaml.MappingNode && !seenMap && by >= 2 && by <= 8:
					indent, seenMap = by, true
				case child.Kind == yaml.SequenceNode && !seenList && by >= 0:
					compact, seenList = by == 0, true
				}
			}
			walk(child)
		}
	}
	walk(n)
	return indent, compact
}
