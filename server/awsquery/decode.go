package awsquery

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/podpass/podpass/server/record"
)

// A setter fills v from the parameter called name and those below it. Setters are made once for a type, when its action is.
type setter func(f *Form, name string, v reflect.Value) error

var timeType = reflect.TypeFor[time.Time]()

// setterFor makes the setter of a type. Supported are string, bool, int, time.Time, structs, slices of strings and of structs, and
// pointers to all but slices, which stay nil where the parameter was not sent.
func setterFor(t reflect.Type) (setter, error) {
	if t == timeType {
		return setTime, nil
	}
	switch t.Kind() {
	case reflect.String:
		return setString, nil
	case reflect.Bool:
		return setBool, nil
	case reflect.Int:
		return setInt, nil
	case reflect.Pointer:
		return pointerSetter(t.Elem())
	case reflect.Slice:
		return listSetter(t)
	case reflect.Struct:
		return structSetter(t)
	}
	return nil, fmt.Errorf("a parameter cannot be decoded into %s", t)
}

func setString(f *Form, name string, v reflect.Value) error {
	if text, ok := f.values[name]; ok {
		v.SetString(text)
	}
	return nil
}

func setBool(f *Form, name string, v reflect.Value) error {
	switch text, ok := f.values[name]; {
	case !ok:
	case text == "true":
		v.SetBool(true)
	case text == "false":
		v.SetBool(false)
	default:
		return malformed("The parameter '" + name + "' must be true or false.")
	}
	return nil
}

func setInt(f *Form, name string, v reflect.Value) error {
	text, ok := f.values[name]
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 32) // the API models' integers have 32 bits
	if err != nil {
		return malformed("The parameter '" + name + "' must be an integer.")
	}
	v.SetInt(n)
	return nil
}

func setTime(f *Form, name string, v reflect.Value) error {
	text, ok := f.values[name]
	if !ok {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return malformed("The parameter '" + name + "' must be a time such as 2006-01-02T15:04:05Z.")
	}
	v.Set(reflect.ValueOf(at.UTC()))
	return nil
}

func pointerSetter(elem reflect.Type) (setter, error) {
	set, err := setterFor(elem)
	if err != nil {
		return nil, err
	}
	nested := elem.Kind() == reflect.Struct && elem != timeType
	return func(f *Form, name string, v reflect.Value) error {
		if _, ok := f.values[name]; !ok && !(nested && f.has(name+".")) {
			return nil
		}
		v.Set(reflect.New(elem))
		return set(f, name, v.Elem())
	}, nil
}

func structSetter(t reflect.Type) (setter, error) {
	type field struct {
		index int
		name  string // "" for an embedded struct, whose fields stand where it stands
		set   setter
	}
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, embedded := sf.Tag.Get("query"), sf.Anonymous && sf.Type.Kind() == reflect.Struct
		if name == "-" || !sf.IsExported() && !embedded {
			continue
		}
		if name == "" && !embedded {
			name = sf.Name
		}
		set, err := setterFor(sf.Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, sf.Name, err)
		}
		fields = append(fields, field{i, name, set})
	}
	return func(f *Form, name string, v reflect.Value) error {
		if name != "" {
			if _, scalar := f.values[name]; scalar {
				return malformed("The parameter '" + name + "' is a structure and must be given by its members.")
			}
		}
		for _, field := range fields {
			full := field.name
			switch {
			case full == "":
				full = name
			case name != "":
				full = name + "." + full
			}
			if err := field.set(f, full, v.Field(field.index)); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// listSetter reads X.member.1, X.member.2 … without holes. "X=" alone is the empty list: it is how SDKs send one.
func listSetter(t reflect.Type) (setter, error) {
	set, err := setterFor(t.Elem())
	if err != nil {
		return nil, err
	}
	scalar := t.Elem() == timeType || t.Elem().Kind() != reflect.Struct
	return func(f *Form, name string, v reflect.Value) error {
		prefix := name + ".member."
		n, err := listLength(f, prefix, scalar)
		if err != nil {
			return err
		}
		text, bare := f.values[name]
		if bare && (text != "" || n > 0) {
			return malformed("The parameter '" + name + "' is a list and must be given as " + prefix + "1 and so on.")
		}
		if n == 0 {
			if bare {
				v.Set(reflect.MakeSlice(t, 0, 0))
			}
			return nil
		}
		list := reflect.MakeSlice(t, n, n)
		for i := range n {
			if err := set(f, prefix+strconv.Itoa(i+1), list.Index(i)); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	}, nil
}

// listLength counts the members of a list and refuses one whose indexes are not 1, 2, 3 ….
func listLength(f *Form, prefix string, scalar bool) (int, error) {
	seen := map[int]bool{}
	highest := 0
	for _, name := range f.under(prefix) {
		digits, below, deeper := strings.Cut(name[len(prefix):], ".")
		i, err := strconv.Atoi(digits)
		if err != nil || i < 1 || strconv.Itoa(i) != digits || deeper == scalar || deeper && below == "" {
			return 0, malformed("The parameter '" + record.Clip(name, 128) + "' is not a member of a list.")
		}
		seen[i] = true
		highest = max(highest, i)
	}
	if highest != len(seen) {
		return 0, malformed("The members of the list '" + strings.TrimSuffix(prefix, ".member.") + "' must be numbered from 1 without gaps.")
	}
	return highest, nil
}
