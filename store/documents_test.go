package store_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/store"
)

func TestDocuments(t *testing.T) {
	d := store.DocumentsOf(map[string]string{"b": "2", "a": "1"})
	changed := d.With("c", "3").With("b", "two").Without("a").Without("none")
	if diff := cmp.Diff(store.Documents{{Name: "a", Text: "1"}, {Name: "b", Text: "2"}}, d); diff != "" {
		t.Errorf("the original: %s", diff)
	}
	if diff := cmp.Diff(store.Documents{{Name: "b", Text: "two"}, {Name: "c", Text: "3"}}, changed); diff != "" {
		t.Errorf("changed: %s", diff)
	}
	if text, ok := changed.Get("c"); !ok || text != "3" {
		t.Errorf("Get(c) = %q, %v", text, ok)
	}
	if _, ok := changed.Get("a"); ok {
		t.Error("a is still there")
	}
	if d := store.DocumentsOf(nil); d != nil {
		t.Errorf("DocumentsOf(nil) = %v", d)
	}
}

// The stored form is an object, as it was when records held a map.
func TestDocumentsInJSON(t *testing.T) {
	b, err := json.Marshal(store.Documents{{Name: "a", Text: "{}"}, {Name: "b", Text: `"`}})
	if want := `{"a":"{}","b":"\""}`; err != nil || string(b) != want {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
	var d store.Documents
	if err := json.Unmarshal([]byte(`{"b":"2","a":"1"}`), &d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(store.Documents{{Name: "a", Text: "1"}, {Name: "b", Text: "2"}}, d); diff != "" {
		t.Error(diff)
	}
}
