package main

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/podpass/podpass/policy"
)

// policyDecisions is how many decisions a second one core makes on a ten-statement policy in which the last statement decides.
func policyDecisions() float64 {
	var statements []string
	for i := range 9 {
		statements = append(statements, fmt.Sprintf(`{"Sid":"S%d","Effect":"Allow","Action":["s3:Get%d*","s3:List%d"],"Resource":"arn:aws:s3:::bucket-%d/*",
			"Condition":{"StringEquals":{"aws:PrincipalTag/team":"t%d"}}}`, i, i, i, i, i))
	}
	statements = append(statements, `{"Sid":"Last","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/${aws:PrincipalTag/team}/*",
		"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/web-*"}}}`)
	doc, err := policy.Parse(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`, policy.Identity)
	if err != nil {
		panic(err)
	}
	keys := &policy.Context{}
	keys.Set("aws:sourceip", "10.1.2.3")
	keys.Set("aws:principalarn", "arn:aws:iam::111122223333:role/web-1")
	keys.Set("aws:principaltag/team", "shop")
	request := &policy.Request{
		Requester: policy.Requester{Account: "111122223333", PrincipalARN: "arn:aws:iam::111122223333:role/web-1"},
		Action:    "s3:GetObject", Resource: "arn:aws:s3:::media/shop/a.png", Context: keys,
	}
	policies := &policy.Policies{Identity: []policy.Source{{ID: "bench", Doc: doc}}, ResourceAccount: "111122223333"}
	if d := policy.Evaluate(request, policies); !d.Allowed() {
		panic(d.Why())
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			policy.Evaluate(request, policies)
		}
	})
	return float64(result.N) / result.T.Seconds()
}
