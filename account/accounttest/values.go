package accounttest

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
)

// Values are the members of a structure, or the entries of a map, by the names of the model: string, int, float64, bool, time.Time, []byte, []any, and
// Values again. What a handler answers may have them in the Go types at hand: named strings, every integer, slices, maps and pointers of them. What is
// nil is not there.
type Values map[string]any

// String is a member, "" where it is not there.
func (v Values) String(name string) string { s, _ := v[name].(string); return s }

// Int is a member, 0 where it is not there.
func (v Values) Int(name string) int { n, _ := v[name].(int); return n }

// Bool is a member, false where it is not there.
func (v Values) Bool(name string) bool { b, _ := v[name].(bool); return b }

// Strings are a list's members, none where it is not there.
func (v Values) Strings(name string) (out []string) {
	list, _ := v[name].([]any)
	for _, one := range list {
		if s, ok := one.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Structures are a list's members, none where it is not there.
func (v Values) Structures(name string) (out []Values) {
	list, _ := v[name].([]any)
	for _, one := range list {
		if s, ok := one.(Values); ok {
			out = append(out, s)
		}
	}
	return out
}

// conform makes what a handler answered the model's own types; report is told what the model does not have.
func (m *model) conform(shapeName string, value any, at string, report func(string)) any {
	s, v := m.Shapes[shapeName], reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	wrong := func() any {
		report(fmt.Sprintf("%s is a %T, which is no %s", at, value, s.Type))
		return nil
	}
	if !v.IsValid() || v.Kind() == reflect.Slice && v.IsNil() || v.Kind() == reflect.Map && v.IsNil() {
		return nil
	}
	switch s.Type {
	case "string":
		if v.Kind() == reflect.String {
			return v.String()
		}
	case "boolean":
		if v.Kind() == reflect.Bool {
			return v.Bool()
		}
	case "integer", "long":
		if v.CanInt() && (s.Type == "long" || v.Int() == int64(int32(v.Int()))) {
			return int(v.Int())
		}
	case "double", "float":
		if v.CanFloat() && !math.IsInf(v.Float(), 0) && !math.IsNaN(v.Float()) {
			return v.Float()
		}
	case "timestamp":
		if when, ok := v.Interface().(time.Time); ok {
			return when
		}
	case "blob":
		if bytes, ok := v.Interface().([]byte); ok {
			return bytes
		}
	case "list":
		if v.Kind() != reflect.Slice {
			return wrong()
		}
		out := []any{}
		for i := range v.Len() {
			out = append(out, m.conform(s.Member.Shape, v.Index(i).Interface(), fmt.Sprintf("%s.%d", at, i+1), report))
		}
		return out
	case "map", "structure":
		if v.Kind() != reflect.Map || v.Type().Key().Kind() != reflect.String {
			return wrong()
		}
		out := Values{}
		for _, key := range v.MapKeys() {
			of, inner := s.Value.Shape, at+"."+key.String()
			if s.Type == "structure" {
				member := s.Members[key.String()]
				if member == nil {
					report(fmt.Sprintf("%s is no member of %s, which has %v", inner, shapeName, slices.Sorted(maps.Keys(s.Members))))
					continue
				}
				of = member.Shape
			}
			if one := m.conform(of, v.MapIndex(key).Interface(), inner, report); one != nil {
				out[key.String()] = one
			}
		}
		return out
	}
	return wrong()
}
