package webhook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/podpass/podpass/webhook"
)

// Every constant of type Reason is listed by Reasons, and has a section of its own in docs/errors.md that says what to do.
func TestReasonsAreDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []webhook.Reason
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Reason" {
			declared = append(declared, webhook.Reason(strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`)))
		}
		return true
	})
	if len(declared) < 20 || !slices.Equal(declared, webhook.Reasons()) {
		t.Errorf("declared %v, listed %v", declared, webhook.Reasons())
	}
	docs, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range webhook.Reasons() {
		_, section, found := strings.Cut(string(docs), "\n### "+string(reason)+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		if !found || len(strings.TrimSpace(section)) < 40 {
			t.Errorf("docs/errors.md has no section on %s, or an empty one", reason)
		}
	}
}
