package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/podpass/podpass/policy"
)

// tenStatements is what a busy application role looks like: nine statements about other things, conditions among them, and the one
// that matters at the end.
func tenStatements(tb testing.TB) *policy.Document {
	tb.Helper()
	var s []string
	for i := range 8 {
		s = append(s, fmt.Sprintf(`{"Sid":"S%d","Effect":"Allow","Action":["s3:GetObject","s3:PutObject*"],"Resource":"arn:aws:s3:::bucket-%d/*",
			"Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue","aws:RequestedRegion":["eu-west-1","us-west-2"]}}}`, i, i))
	}
	s = append(s,
		`{"Sid":"Deny","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"},"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`,
		`{"Sid":"Last","Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::bucket-${aws:RequestedRegion}/home/*",
		 "Condition":{"StringLike":{"aws:PrincipalTag/team":"b*"},"NumericLessThan":{"aws:TokenAge":"3600"}}}`)
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":[`+strings.Join(s, ",")+`]}`, policy.Identity)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func benchContext() *policy.Context {
	c := &policy.Context{}
	for i := range 22 {
		c.Set(fmt.Sprintf("aws:requesttag/key-%d", i), "value")
	}
	c.Set("aws:securetransport", "true")
	c.Set("aws:sourceip", "10.1.2.3")
	c.Set("aws:requestedregion", "eu-west-1")
	c.Set("aws:principaltag/team", "blue")
	c.Set("aws:tokenage", "60")
	return c
}

func BenchmarkEvaluate(b *testing.B) {
	p := &policy.Policies{Identity: []policy.Source{{ID: "inline", Doc: tenStatements(b)}}}
	ctx := benchContext()
	for name, c := range map[string]struct {
		resource string
		want     policy.Effect
	}{
		"first":   {"arn:aws:s3:::bucket-0/home/x", policy.Allow},
		"eighth":  {"arn:aws:s3:::bucket-7/home/x", policy.Allow},
		"tenth":   {"arn:aws:s3:::bucket-eu-west-1/home/x", policy.Allow},
		"refused": {"arn:aws:s3:::other/home/x", policy.ImplicitDeny},
	} {
		b.Run(name, func(b *testing.B) {
			r := &policy.Request{
				Requester: policy.Requester{Account: "111122223333", PrincipalARN: "arn:aws:iam::111122223333:role/r"},
				Action:    "s3:GetObject", Resource: c.resource, Context: ctx,
			}
			b.ReportAllocs()
			for b.Loop() {
				if d := policy.Evaluate(r, p); d.Effect != c.want {
					b.Fatal(d.Why())
				}
			}
		})
	}
}

func BenchmarkTrust(b *testing.B) {
	d, err := policy.Parse(trustText, policy.Trust)
	if err != nil {
		b.Fatal(err)
	}
	p := &policy.Policies{Resource: []policy.Source{{ID: "trust", Doc: d}}, RequireResource: true, ResourceAccount: "123456789012"}
	ctx := benchContext()
	ctx.Set("oidc.example.test/id/C1:aud", "sts.amazonaws.com")
	ctx.Set("oidc.example.test/id/C1:sub", "system:serviceaccount:shop:web")
	r := &policy.Request{
		Requester: policy.Requester{Federated: "arn:aws:iam::123456789012:oidc-provider/oidc.example.test/id/C1"},
		Action:    "sts:AssumeRoleWithWebIdentity", Context: ctx,
	}
	b.ReportAllocs()
	for b.Loop() {
		if d := policy.Evaluate(r, p); !d.Allowed() {
			b.Fatal(d.Why())
		}
	}
}

const trustText = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/oidc.example.test/id/C1"},
 "Action":"sts:AssumeRoleWithWebIdentity",
 "Condition":{"StringEquals":{"oidc.example.test/id/C1:aud":"sts.amazonaws.com","oidc.example.test/id/C1:sub":"system:serviceaccount:shop:web"}}}]}`

func BenchmarkContext(b *testing.B) {
	keys := make([]string, 30)
	for i := range keys {
		keys[i] = fmt.Sprintf("aws:RequestTag/key-%d", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		c := &policy.Context{}
		for _, k := range keys {
			c.Set(k, "value")
		}
	}
}

func BenchmarkParseTrust(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Parse(trustText, policy.Trust); err != nil {
			b.Fatal(err)
		}
	}
}
