package awsquery_test

import (
	"strings"
	"testing"

	"github.com/podpass/podpass/server/awsquery"
)

type checked struct {
	Name string
	Age  *int
}

func (c *checked) Validate(v *awsquery.Validator) {
	v.Required("age", c.Age != nil)
	v.Length("name", c.Name, 2, 4)
	v.Pattern("name", c.Name, `[\w+=,.@-]*`, func(s string) bool { return !strings.ContainsAny(s, ": ") })
	if c.Age != nil {
		v.Range("age", *c.Age, 900, 43200)
	}
}

func TestValidation(t *testing.T) {
	const one, fails = "1 validation error detected: Value ", " failed to satisfy constraint: Member must "
	tests := map[string]struct{ params, want string }{
		"good":           {"Name=ab&Age=900", ""},
		"edges":          {"Name=abcd&Age=43200", ""},
		"missing":        {"Name=ab", one + "null at 'age'" + fails + "not be null"},
		"pattern":        {"Name=a:b&Age=900", one + "'a:b' at 'name'" + fails + `satisfy regular expression pattern: [\w+=,.@-]*`},
		"short":          {"Name=a&Age=900", one + "'a' at 'name'" + fails + "have length greater than or equal to 2"},
		"long":           {"Name=abcde&Age=900", one + "'abcde' at 'name'" + fails + "have length less than or equal to 4"},
		"characters":     {"Name=%C3%A9%C3%A9%C3%A9%C3%A9&Age=900", ""},
		"low":            {"Name=ab&Age=899", one + "'899' at 'age'" + fails + "have value greater than or equal to 900"},
		"high":           {"Name=ab&Age=43201", one + "'43201' at 'age'" + fails + "have value less than or equal to 43200"},
		"all of it":      {"Name=a:bcd", "3 validation errors detected: Value null at 'age'" + fails + "not be null; Value 'a:bcd' at 'name'" + fails + "have length less than or equal to 4; Value 'a:bcd' at 'name'" + fails + `satisfy regular expression pattern: [\w+=,.@-]*`},
		"markup escaped": {"Name=%3Ca+%3E&Age=900", one + "'<a >' at 'name'" + fails + `satisfy regular expression pattern: [\w+=,.@-]*`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got checked
			s := serve(capture(&got))
			w := call(s, test.params)
			if test.want == "" {
				if w.Code != 200 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				return
			}
			refused(t, s, w, 400, "ValidationError", "")
			if s.events[0].Reason != test.want {
				t.Errorf("got  %s\nwant %s", s.events[0].Reason, test.want)
			}
		})
	}
}

func TestValidatorOfLists(t *testing.T) {
	var v awsquery.Validator
	if err := v.Err(); err != nil {
		t.Errorf("the zero Validator refuses: %v", err)
	}
	v.Count("tags", 51, 0, 50)
	v.Enum("format", "x", "a", "b")
	v.Enum("format", "a", "a", "b")
	v.SecretLength("webIdentityToken", "abc", 4, 20000)
	want := "ValidationError: 3 validation errors detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50; " +
		"Value 'x' at 'format' failed to satisfy constraint: Member must satisfy enum value set: [a, b]; " +
		"Value at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to 4"
	if err := v.Err(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// What is repeated of a refused value is bounded, and cut between characters.
func TestEchoIsBounded(t *testing.T) {
	var v awsquery.Validator
	v.Length("policy", strings.Repeat("é", 100000), 1, 10)
	if err := v.Err(); len(err.Error()) > 3000 || strings.ContainsRune(err.Error(), '\uFFFD') {
		t.Errorf("%d bytes", len(err.Error()))
	}
}
