package awsquery

import (
	"reflect"
	"time"
)

// jsonTree is v as encoding/json takes it, for the JSON form of the Query protocol: the same names as in XML, absent members left out,
// lists and maps plain, times as seconds since 1970. ok is false where v is absent.
func jsonTree(v reflect.Value) (tree any, ok bool) {
	if v.Type() == timeType {
		at := v.Interface().(time.Time)
		return at.Unix(), !at.IsZero()
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, false
		}
		tree, ok = jsonTree(v.Elem())
		return tree, ok || v.Elem().Kind() == reflect.String
	case reflect.String:
		return v.String(), v.Len() > 0
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range v.Len() {
			list[i], _ = jsonTree(v.Index(i))
		}
		return list, !v.IsNil()
	case reflect.Map:
		members := map[string]any{}
		for k, one := range v.Seq2() {
			members[k.String()], _ = jsonTree(one)
		}
		return members, !v.IsNil()
	case reflect.Struct:
		members := map[string]any{}
		jsonFields(v, members)
		return members, true
	}
	return v.Interface(), true
}

func jsonFields(v reflect.Value, members map[string]any) {
	for i := range v.NumField() {
		name, embedded := xmlName(v.Type().Field(i))
		switch {
		case embedded:
			jsonFields(v.Field(i), members)
		case name != "":
			if tree, ok := jsonTree(v.Field(i)); ok {
				members[name] = tree
			}
		}
	}
}
