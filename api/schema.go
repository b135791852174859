package api

import _ "embed"

// schema is edited by hand; the tests hold it to the Go types and to the examples.
//
//go:embed schema/podpass.io_v1alpha1.json
var schema string

// Schema is the JSON schema (draft 2020-12) of the documents of `podpass apply`, for editors and for pipelines that check before they apply.
// It accepts what ParseDocuments accepts, except for a few rules that a schema can't say.
func Schema() []byte { return []byte(schema) }
