package iam

import (
	"encoding/base64"
	"iter"
	"math"
	"strconv"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// page is the part of a listing that is asked for.
type page struct {
	Marker   string
	MaxItems *int
}

func (p *page) check(v *awsquery.Validator) {
	optional(v, "marker", p.Marker, 1, maxMarker, "", nil)
	if p.MaxItems != nil {
		v.Range("maxItems", *p.MaxItems, 1, 1000)
	}
}

// rest tells how to ask for the next page.
type rest struct {
	IsTruncated bool
	Marker      string
}

const defaultItems = 100

// take reads one page of a listing. from yields the items behind a key, in the order of their keys; the key of the last item, encoded,
// is the marker of the next page.
func take[T any](p page, from func(after string) iter.Seq2[string, T]) ([]T, rest, error) {
	after, err := base64.RawURLEncoding.DecodeString(p.Marker)
	if err != nil {
		return nil, rest{}, awserr.Validation("Invalid Marker.").Because(err)
	}
	limit := defaultItems
	if p.MaxItems != nil {
		limit = *p.MaxItems
	}
	items := []T{}
	last := ""
	for at, item := range from(string(after)) {
		if len(items) == limit {
			return items, rest{true, base64.RawURLEncoding.EncodeToString([]byte(last))}, nil
		}
		items = append(items, item)
		last = at
	}
	return items, rest{}, nil
}

// records lists the records of a table whose keys begin with prefix and that keep admits.
func records[T any](t *store.Table[T], prefix string, keep func(*T) bool) func(after string) iter.Seq2[string, *T] {
	return func(after string) iter.Seq2[string, *T] {
		if after != "" {
			after = prefix + after
		}
		return func(yield func(string, *T) bool) {
			for at, v := range t.List(prefix, after) {
				if keep(v) && !yield(at[len(prefix):], v) {
					return
				}
			}
		}
	}
}

// listed lists a slice by position.
func listed[T any](items []T) func(after string) iter.Seq2[string, T] {
	return func(after string) iter.Seq2[string, T] {
		start := startAt(after)
		return func(yield func(string, T) bool) {
			for i := start; i < len(items); i++ {
				if !yield(strconv.Itoa(i+1), items[i]) {
					return
				}
			}
		}
	}
}

// documentNames lists documents in order, by name, so that a marker stays good while others come and go.
func documentNames(d store.Documents) func(after string) iter.Seq2[string, string] {
	return func(after string) iter.Seq2[string, string] {
		return func(yield func(string, string) bool) {
			for _, document := range d {
				if name := document.Name; name > after && !yield(name, name) {
					return
				}
			}
		}
	}
}

// startAt reads the key of something that is listed by its position; a key that is none is behind everything.
func startAt(after string) int {
	if after == "" {
		return 0
	}
	n, err := strconv.Atoi(after)
	if err != nil || n < 0 {
		return math.MaxInt
	}
	return n
}
