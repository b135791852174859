package api_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/podpass/podpass/api"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(api.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instance(t *testing.T, text string) any {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaAcceptsTheExamples(t *testing.T) {
	schema := compiled(t)
	for _, name := range []string{"shop.yaml", "all.yaml"} {
		for i, text := range strings.Split("\n"+string(read(t, name)), "\n---\n") {
			v := instance(t, text)
			if v == nil {
				continue
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s, document %d: %v", name, i, err)
			}
		}
	}
}

func TestSchemaRefusesTheMistakes(t *testing.T) {
	schema := compiled(t)
	for _, c := range mistakes {
		if c.beyond {
			continue
		}
		if schema.Validate(instance(t, c.input)) == nil {
			t.Errorf("%s is accepted", c.name)
		}
	}
}

// TestSchemaHasTheTypesFields holds the hand-written schema to the Go types: the same members, of the same types.
func TestSchemaHasTheTypesFields(t *testing.T) {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Defs       map[string]struct {
			Properties map[string]struct {
				Type        string `json:"type"`
				Ref         string `json:"$ref"`
				Description string `json:"description"`
			} `json:"properties"`
			AdditionalProperties any `json:"additionalProperties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(api.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	kinds := map[reflect.Kind]string{
		reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Map: "object", reflect.Slice: "array",
	}
	for _, v := range []any{
		api.Metadata{},
		api.ClusterSpec{},
		api.ClusterKeys{},
		api.RoleSpec{},
		api.Trust{},
		api.PolicySpec{},
		api.OIDCProviderSpec{},
		api.AssociationSpec{},
		api.ServiceAccountSpec{},
	} {
		of := reflect.TypeOf(v)
		def, ok := schema.Defs[of.Name()]
		if !ok || def.AdditionalProperties != false {
			t.Errorf("%s is missing from the schema, or open", of.Name())
			continue
		}
		var want, got []string
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			want = append(want, name)
			p := def.Properties[name]
			if typ := kinds[of.Field(i).Type.Kind()]; p.Type != "" && p.Type != typ {
				t.Errorf("%s.%s is %s in the schema, %s in Go", of.Name(), name, p.Type, typ)
			}
		}
		for name := range def.Properties {
			got = append(got, name)
		}
		sorted := cmp.Transformer("sorted", func(list []string) map[string]bool {
			set := map[string]bool{}
			for _, s := range list {
				set[s] = true
			}
			return set
		})
		if diff := cmp.Diff(want, got, sorted); diff != "" {
			t.Errorf("%s: %s", of.Name(), diff)
		}
	}
	if len(schema.Properties) != reflect.TypeFor[api.Document]().NumField() {
		t.Errorf("a document has members %v in the schema", schema.Properties)
	}
}

// Globs name the service accounts of an Association, and of nothing else.
func TestGlobs(t *testing.T) {
	schema := compiled(t)
	for text, want := range map[string]bool{
		"kind: Association\nmetadata: {name: '*', namespace: 'team-?*'}\nspec: {role: web}":    true,
		"kind: Association\nmetadata: {name: 'web.*', namespace: '*-shop'}\nspec: {role: web}": true,
		"kind: Association\nmetadata: {name: '*', namespace: 'team.*'}\nspec: {role: web}":     false,
		"kind: ServiceAccount\nmetadata: {name: '*', namespace: shop}":                         false,
	} {
		text = "apiVersion: podpass.io/v1alpha1\n" + text
		if err := schema.Validate(instance(t, text)); (err == nil) != want {
			t.Errorf("schema: %s\n%v", text, err)
		}
		if _, err := api.ParseDocuments([]byte(text)); (err == nil) != want {
			t.Errorf("%s\n%v", text, err)
		}
	}
}
