package policy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/podpass/podpass/policy"
)

// FuzzParse: no document makes Parse panic or name a position outside of it, and what it takes is JSON that evaluates.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		trustText, identityDoc(ok), trustDoc(`"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/x"]},"NotAction":"sts:TagSession"`),
		conditionDoc(`{"ForAnyValue:StringLikeIfExists":{"a":["${aws:x, 'd'}*","${*}"]},"DateLessThan":{"b":"2016-12-13T2:00:00.5+10:59"},"IpAddress":{"c":"::/0"}}`),
		conditionDoc(`{"ArnNotLike":{"a":"arn:aws:iam::${b}:role/*"},"NumericEquals":{"b":[1,-2.5e3]},"Null":{"c":false},"BinaryEquals":{"d":"QQ=="}}`),
		resourceDoc(`["arn:*:s3:::b/?","arn:aws:x","*"]`), `{"a":"\ud83d\ude00\u00e9\n"}`, `[[[[[[[[[`, `{"Version":"2012-10-17","Statement":[{}]}`,
	} {
		f.Add(text, uint8(policy.Identity))
		f.Add(text, uint8(policy.Trust))
	}
	f.Fuzz(func(t *testing.T, text string, use uint8) {
		d, err := policy.Parse(text, policy.Use(use))
		if err != nil {
			var wrong *policy.SyntaxError
			if !errors.As(err, &wrong) || wrong.Message == "" || wrong.Offset < 0 || wrong.Offset > len(text) || wrong.Line < 1 || wrong.Column < 1 {
				t.Fatalf("%#v", err)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatal("took what encoding/json calls invalid")
		}
		if d.Text() != text {
			t.Fatal("the text changed")
		}
		context := &policy.Context{}
		for i, k := range d.ContextKeys() {
			if i%2 == 0 {
				context.Set(k, "x")
			}
		}
		src := []policy.Source{{ID: "p", Doc: d}}
		for _, who := range callers() {
			r := &policy.Request{Requester: who, Action: "sts:AssumeRole", Resource: "arn:aws:s3:::b", Context: context}
			for _, p := range []policy.Policies{{Identity: src}, {Resource: src, ResourceAccount: home}} {
				s := policy.Simulate(r, &p)
				if s.Why() == "" || s.Effect == policy.Undecided || s.Allowed() && len(s.Matches) == 0 {
					t.Fatalf("%+v", s)
				}
			}
		}
		_ = d.Principals()
	})
}

// FuzzGlob compares StringLike with the plainest matcher there is.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**?*", "é")
	f.Add("?*é?", "aéé😀")
	f.Add("*ab?ab*ab", "ababxabab")
	f.Add(strings.Repeat("a?", 40)+"*", strings.Repeat("ab", 50))
	f.Add("*"+strings.Repeat("a?b", 40)+"*", strings.Repeat("aab", 60))
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 400 || len(text) > 400 || !utf8.ValidString(pattern) || !utf8.ValidString(text) {
			return
		}
		// Without a version nothing in the pattern is a variable.
		doc, err := policy.Parse(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"k":`+quotedJSON(pattern)+`}}}}`, policy.SessionUse)
		if err != nil {
			t.Fatal(err)
		}
		context := &policy.Context{}
		context.Set("k", text)
		got := policy.Evaluate(&policy.Request{Action: "s3:x", Resource: "*", Context: context}, &policy.Policies{Identity: []policy.Source{{Doc: doc}}}).Allowed()
		if want := reference([]rune(pattern), []rune(text)); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, text, got, want)
		}
	})
}

func quotedJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

// reference fills the table of which prefixes of the pattern match which prefixes of the text.
func reference(pattern, text []rune) bool {
	row := make([]bool, len(text)+1)
	row[0] = true
	for _, p := range pattern {
		next := make([]bool, len(text)+1)
		next[0] = p == '*' && row[0]
		for j, c := range text {
			switch p {
			case '*':
				next[j+1] = row[j+1] || next[j]
			case '?':
				next[j+1] = row[j]
			default:
				next[j+1] = row[j] && p == c
			}
		}
		row = next
	}
	return row[len(text)]
}

// FuzzEvaluate: whatever the request and its policies, a further Deny never turns a refusal into an allow, a further boundary or
// session policy neither, and the decision has a reason.
func FuzzEvaluate(f *testing.F) {
	f.Add("StringLike", "a*", "aws:username", "abc", "s3:GetObject", "arn:aws:s3:::b/x", "s3:Get*", "arn:aws:s3:::b/${aws:username}", uint8(0))
	f.Add("NumericNotEquals", "1", "k", "one", "*", "*", "*", "*", uint8(1))
	f.Add("ForAllValues:ArnNotLike", "arn:aws:iam::${k}:role/x", "k", "\xff", "a:b", "arn:aws:iam::1:role/x", "A:?", "arn:aws:*", uint8(2))
	f.Add("NotIpAddressIfExists", "10.0.0.0/8", "aws:SourceIp", "::ffff:10.0.0.1", "sts:AssumeRole", "arn:a:b:c:d:e:f", "sts:*", "arn:aws:iam", uint8(3))
	names := []string{"session", "user", "federated", "web", "service", "anonymous"}
	f.Fuzz(func(t *testing.T, op, wanted, key, have, action, resource, actionPattern, resourcePattern string, caller uint8) {
		c := `"Condition":{` + quotedJSON(op) + `:{` + quotedJSON(key) + `:` + quotedJSON(wanted) + `}}`
		a, r := quotedJSON(actionPattern), quotedJSON(resourcePattern)
		parse := func(statement string, use policy.Use) []policy.Source {
			d, err := policy.Parse(identityDoc(statement), use)
			if err != nil {
				t.Skip() // nothing to evaluate
			}
			return []policy.Source{{ID: "p", Doc: d}}
		}
		allow := parse(`"Effect":"Allow","Action":`+a+`,"Resource":`+r+`,`+c, policy.Identity)
		deny := parse(`"Effect":"Deny","Action":`+a+`,"Resource":`+r+`,`+c, policy.Identity)
		everything := parse(`"Effect":"Allow","Action":"*","Resource":"*"`, policy.Identity)
		open := parse(`"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",`+c, policy.ResourceUse)

		request := &policy.Request{Requester: callers()[names[int(caller)%len(names)]], Action: action, Resource: resource, Context: &policy.Context{}}
		request.Context.Set(key, have)
		request.Context.SetMany("aws:TagKeys", []string{key, have})
		for _, p := range []policy.Policies{{Identity: allow}, {Identity: everything}, {Identity: allow, Resource: open, ResourceAccount: home}} {
			before := policy.Evaluate(request, &p)
			if before.Why() == "" {
				t.Fatal("no reason")
			}
			for name, more := range map[string]policy.Policies{
				"identity": {Identity: append(deny[:1:1], p.Identity...), Resource: p.Resource, ResourceAccount: p.ResourceAccount},
				"boundary": {Identity: p.Identity, Boundary: allow, Resource: p.Resource, ResourceAccount: p.ResourceAccount},
				"session":  {Identity: p.Identity, Session: append(deny[:1:1], everything...), Resource: p.Resource, ResourceAccount: p.ResourceAccount},
			} {
				if after := policy.Evaluate(request, &more); after.Allowed() && !before.Allowed() {
					t.Fatalf("a further %s policy allows: %s; before: %s", name, after.Why(), before.Why())
				}
			}
		}
	})
}
