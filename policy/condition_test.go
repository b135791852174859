package policy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/podpass/podpass/policy"
)

// absent keys are not in the map; several values make a key multivalued.
type keys map[string]any

func (k keys) context() *policy.Context {
	c := &policy.Context{}
	for name, v := range k {
		switch v := v.(type) {
		case string:
			c.Set(name, v)
		case []string:
			c.SetMany(name, v)
		}
	}
	return c
}

var none = []string{}

// condition evaluates one condition, {"OP":{"k":VALUES}}, as an Allow and as a Deny: the statement must match in both or in neither.
func condition(t *testing.T, op, values string, context keys) bool {
	t.Helper()
	allow, deny := conditionOf(t, op, values, context)
	if allow != deny {
		t.Errorf("%s %s with %v: an Allow matches (%v) as no Deny (%v) does", op, values, context, allow, deny)
	}
	return allow
}

func conditionOf(t *testing.T, op, values string, context keys) (allow, deny bool) {
	t.Helper()
	c := `"Condition":{"` + op + `":{"k":` + values + `}}`
	r := &policy.Request{Requester: policy.Requester{Account: "111122223333", PrincipalARN: "arn:aws:iam::111122223333:role/r"}, Action: "s3:x", Resource: "*", Context: context.context()}
	d := evaluate(t, r, `{`+v2012+`"Statement":{"Effect":"Allow","Action":"*","Resource":"*",`+c+`}}`)
	allow = d.Effect == policy.Allow
	d = evaluate(t, r, `{`+v2012+`"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*",`+c+`}]}`)
	return allow, d.Effect == policy.ExplicitDeny
}

func evaluate(t *testing.T, r *policy.Request, text string) policy.Decision {
	t.Helper()
	doc, err := policy.Parse(text, policy.Identity)
	if err != nil {
		t.Fatal(err, text)
	}
	return policy.Evaluate(r, &policy.Policies{Identity: []policy.Source{{ID: "p", Doc: doc}}})
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// TestOperators: each line is an operator, the policy's value, the values it holds for and those it doesn't. The opposite operator
// must hold exactly for the others.
func TestOperators(t *testing.T) {
	for _, c := range []struct{ op, opposite, value, holds, fails string }{
		{"StringEquals", "StringNotEquals", "a", "a", "A|b|aa||*"},
		{"StringEquals", "StringNotEquals", "a*", "a*", "a|ab"},
		{"StringEquals", "StringNotEquals", "a?", "a?", "ab"},
		{"StringEquals", "StringNotEquals", "", "", "a"},
		{"StringEquals", "StringNotEquals", "é", "é", "É|e"},
		{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "aB", "ab|AB|aB", "a|abc"},
		{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "a*", "A*", "ab"},
		{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "É", "é", "e"},
		{"StringLike", "StringNotLike", "a*", "a|ab|a*|a/b:c", "A|ba|"},
		{"StringLike", "StringNotLike", "*", "|a|a/b:c", ""},
		{"StringLike", "StringNotLike", "*a", "a|ba|aa", "ab|"},
		{"StringLike", "StringNotLike", "*a*", "a|bab", "b|"},
		{"StringLike", "StringNotLike", "a*b*c", "abc|aXbYc|abcabc", "ab|acb|abcd"},
		{"StringLike", "StringNotLike", "a?c", "abc|aéc|a😀c", "ac|abbc|"},
		{"StringLike", "StringNotLike", "?", "a|é", "|ab"},
		{"StringLike", "StringNotLike", "?*", "a|ab", ""},
		{"StringLike", "StringNotLike", "*?", "a|éé", ""},
		{"StringLike", "StringNotLike", "?*?", "ab|aé", "a|é|"},
		{"StringLike", "StringNotLike", "**", "|a", ""},
		{"StringLike", "StringNotLike", "a**b", "ab|axb", "a"},
		{"StringLike", "StringNotLike", "system:serviceaccount:*:web", "system:serviceaccount:a:web|system:serviceaccount:a:b:web", "system:serviceaccount:web"},
		{"NumericEquals", "NumericNotEquals", "10", "10|10.0|1e1|+10|010", "10.1|9|-10"},
		{"NumericEquals", "NumericNotEquals", "9007199254740993", "9007199254740993", "9007199254740992|9007199254740994"},
		{"NumericLessThan", "NumericGreaterThanEquals", "10", "9|9.99|-1|-1e9", "10|10.0|11"},
		{"NumericLessThanEquals", "NumericGreaterThan", "10", "9|10|10.0", "10.01|11"},
		{"NumericGreaterThan", "NumericLessThanEquals", "-0.5", "0|1|-0.4", "-0.5|-1"},
		{"NumericGreaterThanEquals", "NumericLessThan", "3600", "3600|3601", "3599"},
		{"DateEquals", "DateNotEquals", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z|2026-01-02t03:04:05z|2026-01-02T04:04:05+01:00|2026-01-01T23:04:05-04|1767323045|2026-01-02T03:04:05", "2026-01-02T03:04:06Z|2026-01-02T03:04:05.1Z|1767323046"},
		{"DateEquals", "DateNotEquals", "2026T", "2026-01-01T00:00:00Z|2026-01|2026-01-01T00:00Z", "2026-01-02"},
		{"DateEquals", "DateNotEquals", "0", "1970-01-01T00:00:00Z|1970T|1970-01", "1969-12-31T23:59:59Z"},
		{"DateEquals", "DateNotEquals", "2024-02-29", "2024-02-29T00:00:00Z|1709164800", "2024-03-01"},
		{"DateEquals", "DateNotEquals", "1900-03-01", "1900-03-01T00:00:00+0000", "1900-02-28"},
		{"DateEquals", "DateNotEquals", "-0001-03-01", "-1-03-01", "1-03-01"},
		{"DateLessThan", "DateGreaterThanEquals", "2026-05-17T00:00:00Z", "2026-05-16T23:59:59.999999999Z|0|-292275054-01-01", "2026-05-17T00:00:00Z|292278993-01-01"},
		{"DateLessThanEquals", "DateGreaterThan", "2026-05-17T00:00:00Z", "2026-05-17T00:00:00Z|2026-05-16", "2026-05-17T00:00:00.000000001Z"},
		{"DateGreaterThan", "DateLessThanEquals", "1767323045", "2026-01-02T03:04:06Z", "2026-01-02T03:04:05Z"},
		{"DateGreaterThanEquals", "DateLessThan", "1767323045", "1767323045", "1767323044"},
		{"Bool", "", "true", "true|TRUE|True", "false|False"},
		{"Bool", "", "FALSE", "false", "true"},
		{"BinaryEquals", "", "QmluYXJ5", "QmluYXJ5", "QmluYXJ4|"},
		{"IpAddress", "NotIpAddress", "203.0.113.0/24", "203.0.113.0|203.0.113.255|::ffff:203.0.113.7", "203.0.114.0|2001:db8::1"},
		{"IpAddress", "NotIpAddress", "203.0.113.77/24", "203.0.113.1", "203.0.112.77"},
		{"IpAddress", "NotIpAddress", "203.0.113.5", "203.0.113.5", "203.0.113.6"},
		{"IpAddress", "NotIpAddress", "0.0.0.0/0", "1.2.3.4", "::1"},
		{"IpAddress", "NotIpAddress", "::/0", "::1|2001:db8::1", "1.2.3.4"},
		{"IpAddress", "NotIpAddress", "2001:db8::/32", "2001:db8:1::", "2001:db9::"},
		{"IpAddress", "NotIpAddress", "::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"},
		{"ArnEquals", "ArnNotEquals", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/x|arn:aws:iam::111122223333:role/a/b:c", "arn:aws:iam::444455556666:role/x|arn:aws:iam::111122223333:user/x|role/x|"},
		{"ArnLike", "ArnNotLike", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x|arn:aws:iam:::role/x", "arn:aws:iam::1:role/y|arn:aws:iam::1:2:role/x"},
		{"ArnLike", "ArnNotLike", "arn:*:sns:us-*-1:1???:t?", "arn:aws:sns:us-east-1:1234:t1", "arn:aws:sns:us-east-1:123:t1|arn:aws:sns:eu-east-1:1234:t1|arn:aws:sns:us-east-1:1234:t12"},
		{"ArnLike", "ArnNotLike", "*", "arn:aws:s3:::b|anything|", ""},
		{"ArnLike", "ArnNotLike", "arn:aws:s3:::*", "arn:aws:s3:::b/c:d", "arn:aws:s3:r::b"},
		{"ArnLike", "ArnNotLike", "arn:aws:s3", "arn:aws:s3:us-east-1:1:b", "arn:aws:sns:us-east-1:1:b"},
		{"ArnLike", "ArnNotLike", "*:*:*:*:*:*", "arn:aws:s3:::b", "x"},
	} {
		for want, list := range map[bool]string{true: c.holds, false: c.fails} {
			if list == "" && !want {
				continue
			}
			for _, v := range strings.Split(list, "|") {
				if got := condition(t, c.op, quoted(c.value), keys{"k": v}); got != want {
					t.Errorf("%s %q with %q: %v", c.op, c.value, v, got)
				}
				if c.opposite == "" {
					continue
				}
				if got := condition(t, c.opposite, quoted(c.value), keys{"k": v}); got == want {
					t.Errorf("%s %q with %q: %v", c.opposite, c.value, v, got)
				}
			}
		}
	}
}

// TestConditionValues: OR over the listed values, NOR for negated operators.
func TestConditionValues(t *testing.T) {
	for _, c := range []struct {
		op, values, have string
		want             bool
	}{
		{"StringEquals", `["a","b"]`, "b", true},
		{"StringEquals", `["a","b"]`, "c", false},
		{"StringEquals", `[]`, "a", false},
		{"StringNotEquals", `["a","b"]`, "b", false},
		{"StringNotEquals", `["a","b"]`, "c", true},
		{"StringNotEquals", `[]`, "a", true},
		{"StringNotLike", `["a*","b*"]`, "bx", false},
		{"StringEqualsIgnoreCase", `["A","B"]`, "b", true},
		{"NumericLessThan", `[1,5]`, "3", true},
		{"NumericNotEquals", `[1,5]`, "5", false},
		{"DateNotEquals", `["2026","2027"]`, "2028", true},
		{"NotIpAddress", `["10.0.0.0/8","192.168.0.0/16"]`, "192.168.1.1", false},
		{"NotIpAddress", `["10.0.0.0/8","192.168.0.0/16"]`, "1.1.1.1", true},
		{"ArnNotLike", `["arn:aws:s3:::a","arn:aws:s3:::b"]`, "arn:aws:s3:::b", false},
		{"Bool", `["true","false"]`, "false", true},
		{"Bool", `true`, "true", true},
		{"NumericEquals", `5`, "5", true},
		{"StringEquals", `5`, "5", true},
		{"StringEquals", `[true,1.50]`, "1.50", true},
		{"BinaryEquals", `["QQ==","Qg=="]`, "Qg==", true},
	} {
		if got := condition(t, c.op, c.values, keys{"k": c.have}); got != c.want {
			t.Errorf("%s %s with %q: %v", c.op, c.values, c.have, got)
		}
	}
}

// TestConditionSets: absent keys, empty lists, several values, with every prefix and suffix.
func TestConditionSets(t *testing.T) {
	missing := keys{}
	for _, c := range []struct {
		op, values string
		have       keys
		want       bool
	}{
		// absent, and present without a value
		{"StringEquals", `"a"`, missing, false},
		{"StringEquals", `"a"`, keys{"k": none}, false},
		{"StringEquals", `""`, missing, false},
		{"StringLike", `"*"`, missing, false},
		{"ArnLike", `"*"`, missing, false},
		{"NumericLessThan", `"5"`, missing, false},
		{"Bool", `"false"`, missing, false},
		{"IpAddress", `"0.0.0.0/0"`, missing, false},
		{"StringNotEquals", `"a"`, missing, true},
		{"StringNotEquals", `"a"`, keys{"k": none}, true},
		{"StringNotLike", `"*"`, missing, true},
		{"StringNotEqualsIgnoreCase", `"a"`, missing, true},
		{"NumericNotEquals", `"5"`, missing, true},
		{"DateNotEquals", `"2026"`, missing, true},
		{"NotIpAddress", `"10.0.0.0/8"`, missing, true},
		{"ArnNotLike", `"*"`, missing, true},
		{"StringEqualsIfExists", `"a"`, missing, true},
		{"StringEqualsIfExists", `"a"`, keys{"k": none}, true},
		{"StringEqualsIfExists", `"a"`, keys{"k": "a"}, true},
		{"StringEqualsIfExists", `"a"`, keys{"k": "b"}, false},
		{"StringNotEqualsIfExists", `"a"`, missing, true},
		{"StringNotEqualsIfExists", `"a"`, keys{"k": "a"}, false},
		{"BoolIfExists", `"false"`, missing, true},
		{"NumericLessThanIfExists", `"5"`, keys{"k": "6"}, false},
		{"DateLessThanIfExists", `"2026"`, missing, true},
		{"IpAddressIfExists", `"10.0.0.0/8"`, missing, true},
		{"ArnLikeIfExists", `"arn:aws:s3:::b"`, missing, true},
		{"BinaryEqualsIfExists", `"QQ=="`, missing, true},
		// Null asks for absence; an empty list counts as absent
		{"Null", `"true"`, missing, true},
		{"Null", `"true"`, keys{"k": none}, true},
		{"Null", `"true"`, keys{"k": ""}, false},
		{"Null", `"true"`, keys{"k": "a"}, false},
		{"Null", `"false"`, missing, false},
		{"Null", `"false"`, keys{"k": none}, false},
		{"Null", `"false"`, keys{"k": "a"}, true},
		{"Null", `false`, keys{"k": []string{"a", "b"}}, true},
		{"Null", `["true","false"]`, missing, true},
		{"Null", `["true","false"]`, keys{"k": "a"}, true},
		// several values without a prefix: any for positive operators, none for negated ones
		{"StringEquals", `"a"`, keys{"k": []string{"b", "a"}}, true},
		{"StringEquals", `"a"`, keys{"k": []string{"b", "c"}}, false},
		{"StringNotEquals", `"a"`, keys{"k": []string{"b", "a"}}, false},
		{"StringNotEquals", `"a"`, keys{"k": []string{"b", "c"}}, true},
		{"StringLike", `"a*"`, keys{"k": []string{"b", "ax"}}, true},
		{"NumericLessThan", `"5"`, keys{"k": []string{"9", "1"}}, true},
		// ForAllValues
		{"ForAllValues:StringEquals", `["a","b"]`, missing, true},
		{"ForAllValues:StringEquals", `["a","b"]`, keys{"k": none}, true},
		{"ForAllValues:StringEquals", `["a","b"]`, keys{"k": []string{"a"}}, true},
		{"ForAllValues:StringEquals", `["a","b"]`, keys{"k": []string{"b", "a", "b"}}, true},
		{"ForAllValues:StringEquals", `["a","b"]`, keys{"k": []string{"a", "c"}}, false},
		{"ForAllValues:StringEquals", `["a","b"]`, keys{"k": "a"}, true},
		{"ForAllValues:StringEquals", `["a","b"]`, keys{"k": "c"}, false},
		{"ForAllValues:StringEquals", `[]`, keys{"k": "c"}, false},
		{"ForAllValues:StringNotEquals", `"a"`, missing, true},
		{"ForAllValues:StringNotEquals", `"a"`, keys{"k": []string{"b", "c"}}, true},
		{"ForAllValues:StringNotEquals", `"a"`, keys{"k": []string{"b", "a"}}, false},
		{"ForAllValues:StringLike", `"a*"`, keys{"k": []string{"a", "ab"}}, true},
		{"ForAllValues:StringEqualsIfExists", `"a"`, missing, true},
		{"ForAllValues:NumericGreaterThan", `"5"`, keys{"k": []string{"6", "7"}}, true},
		{"ForAllValues:NumericGreaterThan", `"5"`, keys{"k": []string{"6", "5"}}, false},
		{"ForAllValues:ArnLike", `"arn:aws:s3:::*"`, keys{"k": []string{"arn:aws:s3:::a", "x"}}, false},
		{"ForAllValues:Bool", `"true"`, keys{"k": []string{"true", "TRUE"}}, true},
		// ForAnyValue
		{"ForAnyValue:StringEquals", `["a","b"]`, missing, false},
		{"ForAnyValue:StringEquals", `["a","b"]`, keys{"k": none}, false},
		{"ForAnyValue:StringEquals", `["a","b"]`, keys{"k": []string{"c", "b"}}, true},
		{"ForAnyValue:StringEquals", `["a","b"]`, keys{"k": []string{"c", "d"}}, false},
		{"ForAnyValue:StringEquals", `"a"`, keys{"k": "a"}, true},
		{"ForAnyValue:StringNotEquals", `"a"`, missing, false},
		{"ForAnyValue:StringNotEquals", `"a"`, keys{"k": none}, false},
		{"ForAnyValue:StringNotEquals", `"a"`, keys{"k": []string{"a", "b"}}, true},
		{"ForAnyValue:StringNotEquals", `"a"`, keys{"k": []string{"a", "a"}}, false},
		{"ForAnyValue:StringEqualsIfExists", `"a"`, missing, true},
		{"ForAnyValue:StringEqualsIfExists", `"a"`, keys{"k": []string{"b"}}, false},
		{"ForAnyValue:IpAddress", `"10.0.0.0/8"`, keys{"k": []string{"1.1.1.1", "10.0.0.1"}}, true},
		{"ForAnyValue:DateGreaterThan", `"2026"`, keys{"k": []string{"2025", "2027"}}, true},
		// key names compare without regard to case
		{"StringEquals", `"a"`, keys{"K": "a"}, true},
	} {
		if got := condition(t, c.op, c.values, c.have); got != c.want {
			t.Errorf("%s %s with %v: %v", c.op, c.values, c.have, got)
		}
	}
}

// TestUnreadableValues: a request value that can't be of the operator's type never allows and never switches a Deny off.
func TestUnreadableValues(t *testing.T) {
	for _, c := range []struct{ op, value, have string }{
		{"NumericEquals", "1", "one"},
		{"NumericNotEquals", "1", "one"},
		{"NumericLessThan", "1", ""},
		{"NumericGreaterThan", "1", "0x10"},
		{"NumericGreaterThan", "1", "NaN"},
		{"NumericEqualsIfExists", "1", "1,0"},
		{"DateEquals", "2026", "tomorrow"},
		{"DateNotEquals", "2026", "2026-13"},
		{"Bool", "true", "yes"},
		{"Bool", "false", ""},
		{"BinaryEquals", "QQ==", "QQ"},
		{"BinaryEquals", "QQ==", "QR=="},
		{"IpAddress", "10.0.0.0/8", "10.0.0.1:443"},
		{"NotIpAddress", "10.0.0.0/8", "10.0.0.0/8"},
		{"NotIpAddress", "10.0.0.0/8", "fe80::1%eth0"},
		{"ForAllValues:NumericEquals", "1", "one"},
		{"ForAnyValue:NumericEquals", "1", "one"},
	} {
		allow, deny := conditionOf(t, c.op, quoted(c.value), keys{"k": c.have})
		if allow || !deny {
			t.Errorf("%s %q with %q: Allow matches %v, Deny matches %v", c.op, c.value, c.have, allow, deny)
		}
	}
	if allow, _ := conditionOf(t, "ForAnyValue:NumericEquals", "1", keys{"k": []string{"one", "1"}}); !allow {
		t.Error("one readable value of several that matches isn't enough for ForAnyValue")
	}
	if _, deny := conditionOf(t, "ForAllValues:NumericEquals", "1", keys{"k": []string{"1", "one"}}); !deny {
		t.Error("an unreadable value among several switches a Deny off")
	}
}

// TestConditionsAreAnded: over operators and over the keys inside one.
func TestConditionsAreAnded(t *testing.T) {
	text := identityDoc(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{
		"StringEquals":{"aws:RequestTag/Team":"blue","aws:PrincipalTag/Größe":"xl"},"Bool":{"aws:SecureTransport":"true"}}`)
	full := map[string]string{"AWS:requesttag/TEAM": "blue", "aws:PrincipalTag/GRÖßE": "xl", "aws:securetransport": "true"}
	for leave := range map[string]bool{"": true, "AWS:requesttag/TEAM": true, "aws:PrincipalTag/GRÖßE": true, "aws:securetransport": true} {
		c := &policy.Context{}
		for k, v := range full {
			if k != leave {
				c.Set(k, v)
			}
		}
		d := evaluate(t, &policy.Request{Action: "s3:x", Resource: "*", Context: c}, text)
		if d.Allowed() != (leave == "") {
			t.Errorf("without %q: %s", leave, d.Why())
		}
	}
}

func TestContext(t *testing.T) {
	var c policy.Context
	c.Set("aws:PrincipalTag/Team", "blue")
	c.SetMany("aws:TagKeys", none)
	c.Set("aws:principaltag/TEAM", "green")
	copied := c.Clone()
	copied.Set("AWS:TagKeys", "x")
	copied.Set("new", "y")
	for _, tc := range []struct {
		c    *policy.Context
		key  string
		want string
	}{
		{&c, "aws:principaltag/team", "green"},
		{&c, "AWS:PRINCIPALTAG/TEAM", "green"},
		{&c, "aws:TagKeys", ""},
		{&c, "new", "absent"},
		{&c, "", "absent"},
		{copied, "aws:tagkeys", "x"},
		{copied, "NEW", "y"},
		{nil, "x", "absent"},
		{(*policy.Context)(nil).Clone(), "x", "absent"},
	} {
		values, ok := tc.c.Get(tc.key)
		got := strings.Join(values, ",")
		if !ok {
			got = "absent"
		}
		if got != tc.want {
			t.Errorf("%q: %q, want %q", tc.key, got, tc.want)
		}
	}
	if got := strings.Join(c.Keys(), " "); got != "aws:principaltag/TEAM aws:TagKeys" {
		t.Errorf("keys %s", got)
	}
	// The Kelvin sign's lower case is k, but a tag key with it is another key.
	c.Set("tag/\u212aey", "kelvin")
	if _, ok := c.Get("tag/key"); ok {
		t.Error("a look-alike of a key passes for it")
	}
	if v, ok := c.Get("TAG/\u212aEY"); !ok || v[0] != "kelvin" {
		t.Error("a key with a Kelvin sign can't be found")
	}
}
