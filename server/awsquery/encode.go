package awsquery

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An encoder appends v as the XML element called name, or nothing where v is absent. Encoders are made once for a type, when its action is.
//
// Absent are: nil pointers, nil slices and nil maps, the empty string and the zero time. A pointer to an empty string and an empty slice
// that is not nil are there, and empty. Numbers and booleans are always there.
type encoder func(out []byte, name string, v reflect.Value) []byte

// encoderFor makes the encoder of a type: string, bool, int, time.Time, structs, slices (<X><member>…), maps with string keys
// (<X><entry><key>…<value>…), and pointers to them.
func encoderFor(t reflect.Type) (encoder, error) {
	if t == timeType {
		return func(out []byte, name string, v reflect.Value) []byte {
			at := v.Interface().(time.Time)
			if at.IsZero() {
				return out
			}
			return closing(at.UTC().AppendFormat(opening(out, name), timeFormat), name)
		}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return func(out []byte, name string, v reflect.Value) []byte {
			if v.Len() == 0 {
				return out
			}
			return closing(appendText(opening(out, name), v.String()), name)
		}, nil
	case reflect.Bool:
		return func(out []byte, name string, v reflect.Value) []byte {
			return closing(strconv.AppendBool(opening(out, name), v.Bool()), name)
		}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return func(out []byte, name string, v reflect.Value) []byte {
			return closing(strconv.AppendInt(opening(out, name), v.Int(), 10), name)
		}, nil
	case reflect.Pointer:
		return pointerEncoder(t.Elem())
	case reflect.Slice:
		return listEncoder(t.Elem())
	case reflect.Map:
		return mapEncoder(t)
	case reflect.Struct:
		inner, err := fieldsEncoder(t)
		if err != nil {
			return nil, err
		}
		return func(out []byte, name string, v reflect.Value) []byte {
			return closing(inner(opening(out, name), v), name)
		}, nil
	}
	return nil, fmt.Errorf("%s cannot be encoded", t)
}

const timeFormat = "2006-01-02T15:04:05Z"

func pointerEncoder(t reflect.Type) (encoder, error) {
	elem, err := encoderFor(t)
	if err != nil {
		return nil, err
	}
	return func(out []byte, name string, v reflect.Value) []byte {
		if v.IsNil() {
			return out
		}
		if v = v.Elem(); v.Kind() == reflect.String && v.Len() == 0 {
			return closing(opening(out, name), name)
		}
		return elem(out, name, v)
	}, nil
}

func listEncoder(t reflect.Type) (encoder, error) {
	elem, err := encoderFor(t)
	if err != nil {
		return nil, err
	}
	if t.Kind() == reflect.String { // an empty member is still a member
		elem = func(out []byte, name string, v reflect.Value) []byte {
			return closing(appendText(opening(out, name), v.String()), name)
		}
	}
	return func(out []byte, name string, v reflect.Value) []byte {
		if v.IsNil() {
			return out
		}
		out = opening(out, name)
		for i := range v.Len() {
			out = elem(out, "member", v.Index(i))
		}
		return closing(out, name)
	}, nil
}

func mapEncoder(t reflect.Type) (encoder, error) {
	elem, err := encoderFor(t.Elem())
	if err != nil || t.Key().Kind() != reflect.String {
		return nil, cmp.Or(err, fmt.Errorf("%s cannot be encoded: its keys are not strings", t))
	}
	return func(out []byte, name string, v reflect.Value) []byte {
		if v.IsNil() {
			return out
		}
		values := map[string]reflect.Value{}
		for k, one := range v.Seq2() {
			values[k.String()] = one
		}
		out = opening(out, name)
		for _, k := range slices.Sorted(maps.Keys(values)) {
			out = closing(appendText(opening(opening(out, "entry"), "key"), k), "key")
			out = closing(elem(out, "value", values[k]), "entry")
		}
		return closing(out, name)
	}, nil
}

// fieldsEncoder writes a struct's fields one after the other; those of embedded structs stand among them.
func fieldsEncoder(t reflect.Type) (func(out []byte, v reflect.Value) []byte, error) {
	type field struct {
		index  int
		name   string
		encode encoder
	}
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, embedded := xmlName(sf)
		if name == "" && !embedded {
			continue
		}
		var encode encoder
		var err error
		if embedded {
			var inner func([]byte, reflect.Value) []byte
			inner, err = fieldsEncoder(sf.Type)
			encode = func(out []byte, _ string, v reflect.Value) []byte { return inner(out, v) }
		} else {
			encode, err = encoderFor(sf.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, sf.Name, err)
		}
		fields = append(fields, field{i, name, encode})
	}
	return func(out []byte, v reflect.Value) []byte {
		for _, f := range fields {
			out = f.encode(out, f.name, v.Field(f.index))
		}
		return out
	}, nil
}

// xmlName is a field's element name: its tag's, or its own. "" with embedded false is a field that is not sent.
func xmlName(sf reflect.StructField) (name string, embedded bool) {
	name, _, _ = strings.Cut(sf.Tag.Get("xml"), ",")
	embedded = sf.Anonymous && sf.Type.Kind() == reflect.Struct && name == ""
	switch {
	case name == "-" || embedded || !sf.IsExported():
		return "", embedded
	case name == "":
		return sf.Name, false
	}
	return name, false
}

func opening(out []byte, name string) []byte {
	out = append(out, '<')
	out = append(out, name...)
	return append(out, '>')
}

func closing(out []byte, name string) []byte {
	out = append(out, "</"...)
	out = append(out, name...)
	return append(out, '>')
}

// appendText escapes text; most of it needs none.
func appendText(out []byte, text string) []byte {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		c := text[i]
		plain = ' ' <= c && c < utf8.RuneSelf && c != '<' && c != '>' && c != '&' && c != '"' && c != '\''
	}
	if plain {
		return append(out, text...)
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return append(out, b.String()...)
}
