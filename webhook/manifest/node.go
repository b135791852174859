package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is the value of a mapping's key, nil where there is none.
func field(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		n = value(n, key)
		if n == nil {
			return nil
		}
	}
	return n
}

func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// text is a scalar's, empty where there is none.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// shares reports whether anything in n is written once and used twice. Such a document is written out before it is changed: what is meant
// for one use must not reach another.
func shares(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return true
	}
	for _, child := range n.Content {
		if shares(child) {
			return true
		}
	}
	return false
}

// toJSON appends a node as JSON, keys in their order. The document shares nothing.
func toJSON(b []byte, n *yaml.Node) ([]byte, error) {
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			key, err := json.Marshal(n.Content[i].Value)
			if err != nil {
				return nil, err
			}
			if b, err = toJSON(append(append(b, key...), ':'), n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, child := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = toJSON(b, child); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case yaml.ScalarNode:
		return scalar(b, n)
	}
	return nil, fmt.Errorf("line %d: an alias where none can be", n.Line)
}

func scalar(b []byte, n *yaml.Node) ([]byte, error) {
	switch n.ShortTag() {
	case "!!null":
		return append(b, "null"...), nil
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return append(b, n.Value...), nil // as it is written: no digit is lost
		}
	case "!!bool":
	default:
		quoted, err := json.Marshal(n.Value)
		return append(b, quoted...), err
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, err
	}
	written, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", n.Line, err)
	}
	return append(b, written...), nil
}

// fromJSON is a patch's value as a node in the document's usual style.
func fromJSON(value []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(value, &document); err != nil {
		return nil, err
	}
	plain(document.Content[0])
	return document.Content[0], nil
}

func plain(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		plain(child)
	}
}

// add does one operation of a patch below n. Mappings on the way are made where they are absent or null, since a manifest may leave out
// what an API server fills in.
func add(n *yaml.Node, pointer string, value *yaml.Node) error {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, step := range steps {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		last := i == len(steps)-1
		switch {
		case n.Kind == yaml.MappingNode:
			n = addToMapping(n, step, value, last)
		case n.Kind == yaml.SequenceNode && last:
			at := len(n.Content)
			if step != "-" {
				var err error
				if at, err = strconv.Atoi(step); err != nil || at < 0 || at > len(n.Content) {
					return fmt.Errorf("no element %s at %s", step, pointer)
				}
			}
			if len(n.Content) == 0 {
				n.Style &^= yaml.FlowStyle // [] has become a list of its own
			}
			n.Content = append(n.Content[:at], append([]*yaml.Node{value}, n.Content[at:]...)...)
		case n.Kind == yaml.SequenceNode:
			at, err := strconv.Atoi(step)
			if err != nil || at < 0 || at >= len(n.Content) {
				return fmt.Errorf("no element %s at %s", step, pointer)
			}
			n = n.Content[at]
		default:
			return fmt.Errorf("nothing to add to at %s", pointer)
		}
	}
	return nil
}

// addToMapping sets the key's value if it is the last step, and returns what further steps go on from.
func addToMapping(n *yaml.Node, key string, with *yaml.Node, last bool) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			continue
		}
		if current := n.Content[i+1]; last || current.Kind == yaml.ScalarNode && current.ShortTag() == "!!null" {
			if !last {
				with = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			}
			n.Content[i+1] = with
		}
		return n.Content[i+1]
	}
	if !last {
		with = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	if len(n.Content) == 0 {
		n.Style &^= yaml.FlowStyle
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, with)
	return with
}
