package accounttest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"
)

// fromREST reads an input of rest-json: from the path's labels, the query and the body.
//
// Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
func (m *model) fromREST(shapeName string, labels map[string]string, query url.Values, body any, report func(string)) Values {
	s, inBody, out := m.Shapes[shapeName], map[string]any{}, Values{}
	if body != nil {
		inBody, _ = body.(map[string]any)
	}
	known := map[string]bool{}
	for name, of := range s.Members {
		wire := of.wire(name)
		switch of.Location {
		case "uri":
			out[name] = m.fromText(of.Shape, []string{labels[wire]}, wire, report)
		case "querystring":
			known[wire] = true
			if query.Has(wire) {
				out[name] = m.fromText(of.Shape, query[wire], wire, report)
			}
		default:
			known["/"+wire] = true
			if value := m.fromJSON(of.Shape, inBody[wire], wire, report); value != nil {
				out[name] = value
			}
		}
	}
	for name := range query {
		if !known[name] {
			report(name + " is no query parameter of " + shapeName)
		}
	}
	for name := range inBody {
		if !known["/"+name] {
			report(name + " is no member of " + shapeName)
		}
	}
	return out
}

func (m *model) fromText(shapeName string, texts []string, at string, report func(string)) any {
	s := m.Shapes[shapeName]
	if s.Type == "list" {
		out := []any{}
		for _, text := range texts {
			out = append(out, m.fromText(s.Member.Shape, []string{text}, at, report))
		}
		return out
	}
	value, err := scalar(s.Type, texts[0])
	if err != nil {
		report(fmt.Sprintf("%s: %v", at, err))
		return nil
	}
	return value
}

// fromJSON reads a value, nil where there is none.
func (m *model) fromJSON(shapeName string, value any, at string, report func(string)) any {
	s := m.Shapes[shapeName]
	switch value := value.(type) {
	case nil:
		return nil
	case map[string]any:
		if s.Type != "structure" && s.Type != "map" {
			break
		}
		out, byWire := Values{}, map[string]string{}
		for name, of := range s.Members {
			byWire[of.wire(name)] = name
		}
		for wire, one := range value {
			name, of := wire, s.Value.Shape
			if s.Type == "structure" {
				if name = byWire[wire]; name == "" {
					report(fmt.Sprintf("%s.%s is no member of %s", at, wire, shapeName))
					continue
				}
				of = s.Members[name].Shape
			}
			if read := m.fromJSON(of, one, at+"."+wire, report); read != nil {
				out[name] = read
			}
		}
		return out
	case []any:
		if s.Type != "list" {
			break
		}
		out := []any{}
		for i, one := range value {
			out = append(out, m.fromJSON(s.Member.Shape, one, fmt.Sprintf("%s.%d", at, i+1), report))
		}
		return out
	case bool:
		if s.Type == "boolean" {
			return value
		}
	case string:
		if s.Type == "string" {
			return value
		}
		if bytes, err := base64.StdEncoding.DecodeString(value); s.Type == "blob" && err == nil {
			return bytes
		}
	case float64:
		switch {
		case (s.Type == "integer" || s.Type == "long") && value == math.Trunc(value):
			return int(value)
		case s.Type == "timestamp":
			return time.UnixMilli(int64(math.Round(value * 1000))).UTC()
		case s.Type == "double" || s.Type == "float":
			return value
		}
	}
	report(fmt.Sprintf("%s is %v, which is no %s", at, value, s.Type))
	return nil
}

// toJSON makes a value what encoding/json writes as AWS does: timestamps are seconds.
func (m *model) toJSON(shapeName string, value any) any {
	s := m.Shapes[shapeName]
	switch value := value.(type) {
	case Values:
		out := map[string]any{}
		for name, one := range value {
			if s.Type == "map" {
				out[name] = m.toJSON(s.Value.Shape, one)
				continue
			}
			out[s.Members[name].wire(name)] = m.toJSON(s.Members[name].Shape, one)
		}
		return out
	case []any:
		out := []any{}
		for _, one := range value {
			out = append(out, m.toJSON(s.Member.Shape, one))
		}
		return out
	case time.Time:
		return json.Number(fmt.Sprintf("%.3f", float64(value.UnixMilli())/1000))
	}
	return value
}

// labels are those of a path, by a route such as /clusters/{name}: nil where it is another's. Escaped slashes are the label's, as in an ARN.
func labels(route, path string) map[string]string {
	want, have := strings.Split(route, "/"), strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(want) != len(have) {
		return nil
	}
	out := map[string]string{}
	for i, part := range want {
		text, err := url.PathUnescape(have[i])
		switch {
		case err != nil:
			return nil
		case strings.HasPrefix(part, "{"):
			if text == "" {
				return nil
			}
			out[strings.Trim(part, "{}")] = text
		case part != text:
			return nil
		}
	}
	return out
}
