package iam

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/podpass/podpass/policy"
)

func TestReplacePrincipals(t *testing.T) {
	const arn = "arn:aws:iam::111122223333:role/r"
	document := `{"Version":"2012-10-17", "Id":"` + arn + `", "Statement":[
	  {"Sid":"1","Effect":"Allow","Principal":{"AWS":["` + arn + `" , "*"],"Service":"a.b"},"Action":"sts:AssumeRole"},
	  {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role\/r"},"Action":["sts:AssumeRole"],
	   "Condition":{"StringEquals":{"AWS":"` + arn + `","x:y":["` + arn + `"]}}},
	  {"Effect":"Deny","NotPrincipal":{"AWS":"` + arn + `"},"Action":"sts:AssumeRole"}]}`
	want := strings.Replace(document, `["`+arn+`" , "*"]`, `["ID" , "*"]`, 1)
	want = strings.Replace(want, `{"AWS":"arn:aws:iam::111122223333:role\/r"}`, `{"AWS":"ID"}`, 1)
	want = strings.Replace(want, `"NotPrincipal":{"AWS":"`+arn+`"}`, `"NotPrincipal":{"AWS":"ID"}`, 1)
	got := replacePrincipals(document, func(value string) string {
		if value == arn {
			return "ID"
		}
		return value
	})
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzReplacePrincipals(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}`)
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*","111122223333"]},"Action":"sts:*","Condition":{"Bool":{"a:b":true}}}]}`)
	f.Add(`[[],{},"x",{"Statement":{"Principal":{"AWS":"\u0022"}}}]`)
	f.Fuzz(func(t *testing.T, document string) {
		if len(document) > policy.MaxDocument {
			return
		}
		if got := replacePrincipals(document, func(value string) string { return value }); got != document {
			t.Fatalf("nothing was replaced and %q became %q", document, got)
		}
		got := replacePrincipals(document, func(string) string { return "ID" })
		if json.Valid([]byte(document)) && !json.Valid([]byte(got)) {
			t.Fatalf("%q became %q", document, got)
		}
	})
}

func FuzzMarker(f *testing.F) {
	f.Add("")
	f.Add("Mg")
	f.Add("LTE")
	f.Add("bC8uLi8")
	f.Fuzz(func(t *testing.T, marker string) {
		items, more, err := take(page{Marker: marker}, listed([]string{"a", "b", "c"}))
		if err == nil && (len(items) > 3 || more.IsTruncated) {
			t.Fatalf("%q lists %v", marker, items)
		}
	})
}

func FuzzParsePolicyARN(f *testing.F) {
	f.Add("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	f.Add("arn:aws:iam::111122223333:policy/")
	f.Fuzz(func(t *testing.T, arn string) {
		a, err := parsePolicyARN(arn)
		if err != nil {
			return
		}
		if path, name := policyName(a); "policy"+path+name != a.Resource() || name == "" || !strings.HasSuffix(path, "/") {
			t.Fatalf("%q has path %q and name %q", arn, path, name)
		}
	})
}
