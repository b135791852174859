package policy_test

import (
	"testing"

	"github.com/podpass/podpass/policy"
)

// TestVariablesInResources: whether the statement matches, as an Allow and as a Deny alike.
func TestVariablesInResources(t *testing.T) {
	const user = "arn:aws:iam::111122223333:user/"
	for _, c := range []struct {
		element, pattern string
		have             keys
		resource         string
		want             bool
	}{
		{"Resource", user + "${aws:username}", keys{"aws:username": "eve"}, user + "eve", true},
		{"Resource", user + "${AWS:UserName}", keys{"aws:username": "eve"}, user + "eve", true},
		{"Resource", user + "${ aws:username }", keys{"aws:username": "eve"}, user + "eve", true},
		{"Resource", user + "${aws:username}", keys{"aws:username": "eve"}, user + "Eve", false},
		{"Resource", user + "${aws:username}", keys{"aws:username": "eve"}, user + "eve/x", false},
		{"Resource", user + "${aws:username}/*", keys{"aws:username": "eve"}, user + "eve/x/y", true},
		{"Resource", user + "*/${aws:username}/?", keys{"aws:username": "eve"}, user + "a/b/eve/x", true},
		{"Resource", user + "${aws:a}-${aws:b}", keys{"aws:a": "x", "aws:b": "y"}, user + "x-y", true},
		{"Resource", user + "${aws:a}${aws:b}", keys{"aws:a": "", "aws:b": "y"}, user + "y", true},
		{"Resource", user + "${aws:PrincipalTag/my team}", keys{"aws:principaltag/My Team": "blue"}, user + "blue", true},
		{"Resource", user + "${127.0.0.1:8600/oidc/local:sub}", keys{"127.0.0.1:8600/oidc/local:sub": "s:a:b"}, user + "s:a:b", true},
		// a value is literal
		{"Resource", user + "${aws:username}", keys{"aws:username": "*"}, user + "eve", false},
		{"Resource", user + "${aws:username}", keys{"aws:username": "*"}, user + "*", true},
		{"Resource", user + "${aws:username}", keys{"aws:username": "ev?"}, user + "eve", false},
		{"Resource", user + "${aws:username}*", keys{"aws:username": "*"}, user + "eve", false},
		{"Resource", user + "${aws:username}", keys{"aws:username": "${aws:a}", "aws:a": "x"}, user + "x", false},
		{"Resource", user + "${aws:username}", keys{"aws:username": "\xff"}, user + "eve", false},
		{"Resource", user + "${aws:username}", keys{"aws:username": "\xfe"}, user + "e", false},
		{"Resource", user + "${aws:username}", keys{"aws:username": "\xff"}, user + "\xff", false},
		// without a value nothing matches
		{"Resource", user + "${aws:username}", keys{}, user + "eve", false},
		{"Resource", user + "${aws:username}*", keys{}, user + "eve", false},
		{"Resource", user + "${aws:username}", keys{}, user + "${aws:username}", false},
		{"Resource", user + "${aws:tags}", keys{"aws:tags": []string{"eve"}}, user + "eve", false},
		{"Resource", user + "${aws:tags}", keys{"aws:tags": none}, user, false},
		{"NotResource", user + "${aws:username}", keys{"aws:username": "eve"}, user + "bob", true},
		{"NotResource", user + "${aws:username}", keys{"aws:username": "eve"}, user + "eve", false},
		{"NotResource", user + "${aws:username}", keys{}, user + "bob", false},
		// defaults
		{"Resource", user + "${aws:username, 'guest'}", keys{}, user + "guest", true},
		{"Resource", user + "${aws:username,'guest'}", keys{"aws:username": "eve"}, user + "eve", true},
		{"Resource", user + "${aws:username, 'guest'}", keys{"aws:username": "eve"}, user + "guest", false},
		{"Resource", user + "${aws:username, ''}", keys{}, user, true},
		{"Resource", user + "${aws:username, '*'}", keys{}, user + "eve", false},
		{"Resource", user + "${aws:username, '*'}", keys{}, user + "*", true},
		{"Resource", user + "${aws:username, 'a}b'}", keys{}, user + "a}b", true},
		{"Resource", user + "${aws:tags, 'guest'}", keys{"aws:tags": []string{"a", "b"}}, user + "guest", false},
		// special characters
		{"Resource", user + "a${*}b", keys{}, user + "a*b", true},
		{"Resource", user + "a${*}b", keys{}, user + "axb", false},
		{"Resource", user + "a${?}b", keys{}, user + "axb", false},
		{"Resource", user + "a${?}b*", keys{}, user + "a?bc", true},
		{"Resource", user + "a${$}{aws:username}", keys{"aws:username": "eve"}, user + "a${aws:username}", true},
		{"Resource", user + "$a{}", keys{}, user + "$a{}", true},
	} {
		r := &policy.Request{Action: "s3:x", Resource: c.resource, Context: c.have.context()}
		element := `"` + c.element + `":` + quoted(c.pattern)
		allow := evaluate(t, r, identityDoc(`"Effect":"Allow","Action":"*",`+element)).Effect == policy.Allow
		deny := evaluate(t, r, `{`+v2012+`"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*",`+element+`}]}`).Effect == policy.ExplicitDeny
		if allow != c.want || deny != c.want {
			t.Errorf("%s %s with %v on %s: Allow matches %v, Deny matches %v, want %v", c.element, c.pattern, c.have, c.resource, allow, deny, c.want)
		}
	}
}

func TestVariablesInConditions(t *testing.T) {
	for _, c := range []struct {
		op, values string
		have       keys
		want       bool
	}{
		{"StringEquals", `"${aws:a}"`, keys{"k": "x", "aws:a": "x"}, true},
		{"StringEquals", `"${aws:a}"`, keys{"k": "x", "aws:a": "y"}, false},
		{"StringEquals", `"${aws:a}"`, keys{"k": "x"}, false},
		{"StringEquals", `["${aws:a}","x"]`, keys{"k": "x"}, true},
		{"StringEquals", `"${aws:a, 'x'}"`, keys{"k": "x"}, true},
		{"StringEquals", `"${*}"`, keys{"k": "*"}, true},
		{"StringEquals", `"${aws:a}*"`, keys{"k": "x*", "aws:a": "x"}, true},
		{"StringEquals", `"${aws:a}*"`, keys{"k": "xy", "aws:a": "x"}, false},
		{"StringEquals", `"${aws:a}"`, keys{"k": []string{"y", "x"}, "aws:a": "x"}, true},
		{"StringNotEquals", `"${aws:a}"`, keys{"k": "x", "aws:a": "y"}, true},
		{"StringNotEquals", `"${aws:a}"`, keys{"k": "x", "aws:a": "x"}, false},
		{"StringNotEquals", `"${aws:a}"`, keys{"k": "x"}, false},
		{"StringNotEquals", `["${aws:a}","y"]`, keys{"k": "x"}, false},
		{"StringNotEquals", `"${aws:a}"`, keys{}, false},
		{"StringNotEquals", `"${aws:a}"`, keys{"aws:a": "x"}, true},
		{"StringEqualsIgnoreCase", `"${aws:a}"`, keys{"k": "X", "aws:a": "x"}, true},
		{"StringEqualsIgnoreCase", `"${aws:a}"`, keys{"k": "X"}, false},
		{"StringNotEqualsIgnoreCase", `"${aws:a}"`, keys{"k": "X"}, false},
		{"StringNotEqualsIgnoreCase", `"${aws:a}"`, keys{}, false},
		{"StringLike", `"${aws:a}*"`, keys{"k": "xyz", "aws:a": "x"}, true},
		{"StringLike", `"${aws:a}"`, keys{"k": "xyz", "aws:a": "*"}, false},
		{"StringLike", `"*${*}"`, keys{"k": "xyz*"}, true},
		{"StringLike", `"*${*}"`, keys{"k": "xyz"}, false},
		{"StringNotLike", `"${aws:a}*"`, keys{"k": "xyz", "aws:a": "y"}, true},
		{"ArnLike", `"arn:aws:iam::1:role/${aws:a}"`, keys{"k": "arn:aws:iam::1:role/x", "aws:a": "x"}, true},
		{"ArnLike", `"arn:aws:iam::1:role/${aws:a}"`, keys{"k": "arn:aws:iam::1:role/x", "aws:a": "*"}, false},
		{"ArnLike", `"arn:aws:iam::${aws:a}:role/*"`, keys{"k": "arn:aws:iam::1:role/x", "aws:a": "1"}, true},
		{"ArnLike", `"arn:aws:iam::${aws:a}:role/*"`, keys{"k": "arn:aws:iam::1:role/x", "aws:a": "*"}, false},
		{"ArnLike", `"arn:aws:iam::${aws:a}:role/*"`, keys{"k": "arn:aws:iam::1:role/x"}, false},
		{"ArnNotLike", `"arn:aws:iam::${aws:a}:role/*"`, keys{"k": "arn:aws:iam::1:role/x"}, false},
		{"ArnNotLike", `"arn:aws:iam::${aws:a}:role/*"`, keys{}, false},
		{"ArnEquals", `"${aws:a}"`, keys{"k": "arn:aws:iam::1:role/x", "aws:a": "arn:aws:iam::1:role/x"}, true},
		{"ArnEquals", `"${aws:a}"`, keys{"k": "x", "aws:a": "x"}, false},
		{"ArnEquals", `"${aws:a}"`, keys{"k": "arn:aws:iam::1:role/x", "aws:a": "*"}, false},
		{"ArnLike", `"*${aws:a}"`, keys{"k": "x", "aws:a": ""}, true},
		{"ForAllValues:StringEquals", `"${aws:a}"`, keys{"k": []string{"x", "x"}, "aws:a": "x"}, true},
		{"ForAllValues:StringEquals", `"${aws:a}"`, keys{"k": []string{"x"}}, false},
		{"ForAnyValue:StringNotEquals", `"${aws:a}"`, keys{"k": []string{"x"}}, false},
		{"StringEqualsIfExists", `"${aws:a}"`, keys{}, true},
	} {
		if got := condition(t, c.op, c.values, c.have); got != c.want {
			t.Errorf("%s %s with %v: %v", c.op, c.values, c.have, got)
		}
	}
}

// TestVariablesNeedVersion: before 2012-10-17, and without a version, ${…} is text.
func TestVariablesNeedVersion(t *testing.T) {
	for _, version := range []string{"", `"Version":"2008-10-17",`} {
		doc, err := policy.Parse(`{`+version+`"Statement":{"Effect":"Allow","Action":"s3:x","Resource":"arn:aws:s3:::${aws:a}*",
			"Condition":{"StringEquals":{"k":"${aws:a}"}}}}`, policy.SessionUse)
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]bool{"${aws:a}": true, "x": false} {
			r := &policy.Request{Action: "s3:x", Resource: "arn:aws:s3:::" + text + "y", Context: keys{"k": text, "aws:a": "x"}.context()}
			d := policy.Evaluate(r, &policy.Policies{Identity: []policy.Source{{Doc: doc}}})
			if d.Allowed() != want {
				t.Errorf("%q with %q: %s", version, text, d.Why())
			}
		}
		if keys := doc.ContextKeys(); len(keys) != 1 || keys[0] != "k" {
			t.Errorf("%q: keys %q", version, keys)
		}
	}
}
