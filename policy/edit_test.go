package policy_test

import (
	"testing"

	"github.com/podpass/podpass/policy"
)

// What others wrote, in all the ways they write it, is there again byte for byte when what was added is removed.
func TestEditsOfStatements(t *testing.T) {
	const ours = `{"Sid":"Ours","Effect":"Allow"}`
	for name, document := range map[string]string{
		"compact":            `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow"}]}`,
		"pretty":             "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\"\n    },\n    { \"Effect\" : \"Deny\" }\n  ]\n}\n",
		"Statement first":    `{"Statement":[ {"Effect":"Allow"} , {"Effect":"Deny"} ],"Version":"2012-10-17"}`,
		"braces in texts":    `{"Statement":[{"Sid":"x","Condition":{"StringLike":{"k":["]}","\"","\\"]}}}]}`,
		"unknown operator":   `{"Statement":[{"Effect":"Allow","Condition":{"StringMostlyEquals":{"k":"v"}}}]}`,
		"a name in a string": `{"Id":"\"Statement\":[]","Statement":[{"Effect":"Allow"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			before, _, err := policy.Statements(document)
			if err != nil {
				t.Fatal(err)
			}
			with, err := policy.AddStatement(document, ours)
			if err != nil {
				t.Fatal(err)
			}
			all, single, err := policy.Statements(with)
			if err != nil || single || len(all) != len(before)+1 || all[len(all)-1].Text != ours || all[len(all)-1].Sid != "Ours" {
				t.Fatalf("%q: %+v, %v", with, all, err)
			}
			if got, err := policy.RemoveStatement(with, len(all)-1); err != nil || got != document {
				t.Errorf("%q, %v", got, err)
			}
			other, err := policy.ReplaceStatement(with, len(all)-1, `{"Sid":"Other"}`)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := policy.RemoveStatement(other, len(all)-1); err != nil || got != document {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestEditsOfASingleStatement(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement": {"Effect":"Allow"} }`
	with, err := policy.AddStatement(document, `{"Sid":"Ours"}`)
	if want := `{"Version":"2012-10-17","Statement": [{"Effect":"Allow"},{"Sid":"Ours"}] }`; err != nil || with != want {
		t.Fatalf("%q, %v", with, err)
	}
	without, err := policy.RemoveStatement(with, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := policy.UnwrapStatement(without); err != nil || got != document {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := policy.RemoveStatement(document, 0); err == nil {
		t.Error("the only statement was removed")
	}
}

func TestRemoveTheFirstStatement(t *testing.T) {
	const document = `{"Statement":[ {"Sid":"A"} , {"Sid":"B"} ]}`
	if got, err := policy.RemoveStatement(document, 0); err != nil || got != `{"Statement":[ {"Sid":"B"} ]}` {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := policy.RemoveStatement(document, 2); err == nil {
		t.Error("a statement that is not there was removed")
	}
}

func TestEditsOfWhatIsNoPolicy(t *testing.T) {
	for _, document := range []string{``, `{}`, `[]`, `{"Statement":"x"}`, `{"Statement":[}`, `{"Statement":[],"Statement":[]}`, "{\"Statement\":[]}\x00"} {
		if got, err := policy.AddStatement(document, `{}`); err == nil {
			t.Errorf("%q became %q", document, got)
		}
	}
}

func FuzzEdits(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Sid":"A"},{"Sid":"B"}]}`)
	f.Add(`{"Statement" : { } }`)
	f.Add(`{"Statement":[ ]}`)
	f.Fuzz(func(t *testing.T, document string) {
		before, single, err := policy.Statements(document)
		if err != nil {
			return
		}
		with, err := policy.AddStatement(document, `{"Sid":"Ours"}`)
		if err != nil {
			t.Fatal(err)
		}
		all, _, err := policy.Statements(with)
		if err != nil || len(all) != len(before)+1 {
			t.Fatalf("%q: %d statements, %v", with, len(all), err)
		}
		got, err := policy.RemoveStatement(with, len(before))
		if err == nil && single {
			got, err = policy.UnwrapStatement(got)
		}
		if err != nil || len(before) > 0 && got != document {
			t.Fatalf("%q became %q, %v", document, got, err)
		}
	})
}
