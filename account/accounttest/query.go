package accounttest

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tree is a form's parameters by their dots: Filter.1.Value.2=x.
type tree struct {
	text     string
	children map[string]*tree
}

func grow(form url.Values) *tree {
	root := &tree{}
	for name, values := range form {
		node := root
		for part := range strings.SplitSeq(name, ".") {
			if node.children == nil {
				node.children = map[string]*tree{}
			}
			if node.children[part] == nil {
				node.children[part] = &tree{}
			}
			node = node.children[part]
		}
		node.text = values[0]
	}
	return root
}

// fromTree reads a value of the query and ec2 protocols; report is told of what the model does not have.
//
// Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
func (m *model) fromTree(shapeName string, node *tree, at string, report func(string)) any {
	s := m.Shapes[shapeName]
	switch s.Type {
	case "structure":
		out, byParameter := Values{}, map[string]string{}
		for name, of := range s.Members {
			byParameter[of.parameter(m.Metadata.Protocol, name)] = name
		}
		for _, parameter := range sorted(node.children) {
			name, ok := byParameter[parameter]
			if !ok {
				report(fmt.Sprintf("%s%s is no parameter of %s", at, parameter, shapeName))
				continue
			}
			out[name] = m.fromTree(s.Members[name].Shape, node.children[parameter], at+parameter+".", report)
		}
		return out
	case "list":
		if m.Metadata.Protocol == protocolQuery {
			node, at = node.only(s.Member.wire("member"), at, report), at+"member."
		}
		out := []any{}
		for _, i := range node.indices(at, report) {
			out = append(out, m.fromTree(s.Member.Shape, node.children[i], at+i+".", report))
		}
		return out
	case "map":
		node, at = node.only("entry", at, report), at+"entry."
		out := Values{}
		for _, i := range node.indices(at, report) {
			out[node.children[i].child("key").text] = m.fromTree(s.Value.Shape, node.children[i].child("value"), at+i+".value.", report)
		}
		return out
	}
	for inner := range node.children {
		report(at + inner + " is within a " + s.Type)
	}
	value, err := scalar(s.Type, node.text)
	if err != nil {
		report(fmt.Sprintf("%s: %v", strings.TrimSuffix(at, "."), err))
		return nil
	}
	return value
}

func (t *tree) child(name string) *tree {
	if found := t.children[name]; found != nil {
		return found
	}
	return &tree{}
}

// only is a child that has no others beside it.
func (t *tree) only(name, at string, report func(string)) *tree {
	for other := range t.children {
		if other != name {
			report(at + other + " is no " + name)
		}
	}
	return t.child(name)
}

// indices are those of a list, from 1 on and in order.
func (t *tree) indices(at string, report func(string)) []string {
	var numbers []int
	for name := range t.children {
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 {
			report(at + name + " is no member of a list")
			continue
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = strconv.Itoa(n)
	}
	return out
}

func scalar(kind, text string) (any, error) {
	switch kind {
	case "boolean":
		return strconv.ParseBool(text)
	case "integer", "long":
		return strconv.Atoi(text)
	case "double", "float":
		return strconv.ParseFloat(text, 64)
	case "timestamp":
		return time.Parse(time.RFC3339, text)
	case "blob":
		return base64.StdEncoding.DecodeString(text)
	}
	return text, nil
}

// toXML writes a value into an element, or into the elements of a list's members where it is one.
func (m *model) toXML(b *strings.Builder, element, shapeName string, value any) {
	s := m.Shapes[shapeName]
	b.WriteString("<" + element + ">")
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			m.toXML(b, s.Member.wire("member"), s.Member.Shape, one)
		}
	case Values:
		for _, name := range sorted(value) {
			if s.Type == "map" {
				b.WriteString("<entry>")
				m.toXML(b, s.Key.wire("key"), s.Key.Shape, name)
				m.toXML(b, s.Value.wire("value"), s.Value.Shape, value[name])
				b.WriteString("</entry>")
				continue
			}
			member := s.Members[name]
			m.toXML(b, member.wire(name), member.Shape, value[name])
		}
	case time.Time:
		b.WriteString(value.UTC().Format("2006-01-02T15:04:05.000Z"))
	case []byte:
		b.WriteString(base64.StdEncoding.EncodeToString(value))
	default:
		b.WriteString(escape(fmt.Sprint(value)))
	}
	b.WriteString("</" + element + ">")
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

// sorted are a map's keys, so that the same answer is the same bytes.
func sorted[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
