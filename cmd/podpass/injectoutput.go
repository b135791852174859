package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/podpass/podpass/webhook/manifest"
)

// manifestFormat is the value of inject's -o; the zero value is each document's own format.
type manifestFormat string

const (
	manifestAsIs manifestFormat = "manifest"
	manifestJSON manifestFormat = "json"
)

func (f *manifestFormat) String() string {
	if *f == "" {
		return string(manifestAsIs)
	}
	return string(*f)
}

func (f *manifestFormat) Type() string { return "manifest|json" }

func (f *manifestFormat) Set(text string) error {
	switch manifestFormat(text) {
	case manifestAsIs, manifestJSON:
		*f = manifestFormat(text)
		return nil
	}
	return fmt.Errorf("must be manifest or json, not %q", text)
}

// write writes all documents, once every one of them has been changed: kubectl at the other end of a pipe never sees half of them.
func (f manifestFormat) write(w io.Writer, documents []*manifest.Document) error {
	if f == manifestJSON {
		return writeList(w, documents)
	}
	var all []byte
	for _, d := range documents {
		text, err := d.Bytes()
		if err != nil {
			return notAManifest(err)
		}
		if len(all) > 0 && len(text) > 0 {
			if all[len(all)-1] != '\n' {
				all = append(all, '\n')
			}
			if !d.Separated() {
				all = append(all, "---\n"...) // the first of another file
			}
		}
		all = append(all, text...)
	}
	_, err := w.Write(all)
	return err
}

// writeList writes one List of all documents, which kubectl applies as it does the documents.
func writeList(w io.Writer, documents []*manifest.Document) error {
	list := struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}{"v1", "List", []json.RawMessage{}}
	for _, d := range documents {
		text, err := d.JSON()
		if err != nil {
			return notAManifest(err)
		}
		if text != nil {
			list.Items = append(list.Items, text)
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(list)
}
