package restjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/podpass/podpass/server/awserr"
)

// decodeBody reads a JSON object. Repeated members are always refused, since two readers may disagree about which one counts; names are
// compared with their case.
func decodeBody(body []byte, into any, strict bool) error {
	if len(body) == 0 {
		return nil
	}
	options := []kjson.StrictOption{kjson.DisallowDuplicateFields}
	if strict {
		options = append(options, kjson.DisallowUnknownFields)
	}
	mistakes, err := kjson.UnmarshalStrict(body, into, options...)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return serialization(wrongType(wrong))
	}
	if err != nil {
		return serialization(err.Error())
	}
	if len(mistakes) > 0 {
		texts := make([]string, len(mistakes))
		for i, m := range mistakes {
			texts[i] = m.Error()
		}
		return serialization(strings.Join(texts, "; "))
	}
	return nil
}

// wrongType says which member has a value of a wrong type. The error's own text names the program's types.
func wrongType(e *json.UnmarshalTypeError) string {
	kind, _, _ := strings.Cut(e.Value, " ") // "number 1e999" is a number
	if e.Field == "" {
		return "The body is a JSON " + kind + ", where an object is expected."
	}
	return fmt.Sprintf("Member %q is a JSON %s, which it cannot be.", e.Field, kind)
}

func serialization(message string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "SerializationException", message)
}

// binding ties a field of an input to a label or a query parameter.
type binding struct {
	index []int
	label string // one of the two
	query string
}

type bindingList []binding

func bindings(t reflect.Type) bindingList {
	var list bindingList
	for _, f := range reflect.VisibleFields(t) {
		if label, query := f.Tag.Get("label"), f.Tag.Get("query"); label != "" || query != "" {
			list = append(list, binding{f.Index, label, query})
		}
	}
	return list
}

func (l bindingList) fill(in reflect.Value, from input) error {
	known := 0
	for _, b := range l {
		field := in.FieldByIndex(b.index)
		if b.label != "" {
			field.SetString(from.labels[b.label])
			continue
		}
		values, ok := from.query[b.query]
		if !ok {
			continue
		}
		known++
		if err := setQuery(field, b.query, values); err != nil {
			return err
		}
	}
	if from.strict && known < len(from.query) {
		return serialization(fmt.Sprintf("unknown query parameter among %s", names(from.query)))
	}
	return nil
}

func setQuery(field reflect.Value, name string, values []string) error {
	if field.Kind() == reflect.Slice {
		field.Set(reflect.ValueOf(values))
		return nil
	}
	if len(values) != 1 {
		return serialization(fmt.Sprintf("query parameter %q is given %d times", name, len(values)))
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(values[0])
	case reflect.Bool:
		b, err := strconv.ParseBool(values[0])
		if err != nil {
			return serialization(fmt.Sprintf("query parameter %q is not true or false", name))
		}
		field.SetBool(b)
	case reflect.Pointer:
		n, err := strconv.ParseInt(values[0], 10, 32)
		if err != nil {
			return serialization(fmt.Sprintf("query parameter %q is not a whole number", name))
		}
		value := int(n)
		field.Set(reflect.ValueOf(&value))
	}
	return nil
}

func names(query url.Values) string {
	list := make([]string, 0, len(query))
	for name := range query {
		list = append(list, strconv.Quote(name))
	}
	return strings.Join(list, ", ")
}
