package policy_test

import (
	"strings"
	"testing"

	"github.com/podpass/podpass/policy"
)

func TestActions(t *testing.T) {
	for _, c := range []struct{ pattern, matches, others string }{
		{"s3:GetObject", "s3:GetObject s3:getobject S3:GETOBJECT", "s3:GetObjects s3:GetObjec sts:GetObject s3:"},
		{"S3:getobject", "s3:GetObject", "s3:PutObject"},
		{"s3:*", "s3:GetObject s3:", "s3 s3x:GetObject sts:s3:"},
		{"*", "s3:GetObject sts:AssumeRole", ""},
		{"*:*", "s3:GetObject", "s3"},
		{"s3:Get*", "s3:GetObject s3:Get S3:GETX", "s3:Put s3:Ge"},
		{"s3:*Object", "s3:GetObject s3:Object s3:GetObjectObject", "s3:GetObjects s3:GetObjectAcl"},
		{"s3:*Object*", "s3:GetObject s3:ObjectX s3:GetObjectAcl", "s3:GetBucket"},
		{"s3:Get?bject", "s3:GetObject", "s3:GetOObject s3:Getbject"},
		{"s3:G*t?*t", "s3:GetObject s3:Gtxt", "s3:GetObjectx s3:Gtt"},
		{"s3:a*a*a", "s3:aaa s3:abaca", "s3:aa s3:ab"},
	} {
		for want, list := range map[bool]string{true: c.matches, false: c.others} {
			for _, name := range strings.Fields(list) {
				for element, want := range map[string]bool{"Action": want, "NotAction": !want} {
					r := &policy.Request{Action: name, Resource: "*"}
					d := evaluate(t, r, identityDoc(`"Effect":"Allow","`+element+`":["x:y","`+c.pattern+`"],"Resource":"*"`))
					if d.Allowed() != want {
						t.Errorf("%s %s with %s: %s", element, c.pattern, name, d.Why())
					}
				}
			}
		}
	}
}

func TestResources(t *testing.T) {
	for _, c := range []struct{ pattern, matches, others string }{
		{"*", "* arn:aws:s3:::b x", ""},
		{"arn:aws:s3:::b", "arn:aws:s3:::b", "arn:aws:s3:::B arn:aws:s3:::b/x arn:aws:s3:::bb arn:aws:s3:r::b arn:aws-cn:s3:::b * b"},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/ arn:aws:s3:::b/x/y arn:aws:s3:::b/x:y", "arn:aws:s3:::b arn:aws:s3:::bc/x"},
		{"arn:aws:s3:::*", "arn:aws:s3:::b arn:aws:s3:::b/x:y arn:aws:s3:::", "arn:aws:s3:r:: arn:aws:s3:: *"},
		{"arn:aws:s3:::b/*/z", "arn:aws:s3:::b/x/z arn:aws:s3:::b/x/y:w/z", "arn:aws:s3:::b/z"},
		{"arn:aws:s3:::b/?", "arn:aws:s3:::b/x arn:aws:s3:::b/é arn:aws:s3:::b/: arn:aws:s3:::b//", "arn:aws:s3:::b/ arn:aws:s3:::b/xy"},
		{"arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x arn:aws:iam:::role/x", "arn:aws:iam::1:2:role/x arn:aws:iam:1:1:role/x"},
		{"arn:aws:sns:*:111122223333:t", "arn:aws:sns:us-east-1:111122223333:t", "arn:aws:sns:us-east-1:111122223334:t arn:aws:sns:a:b:111122223333:t"},
		{"arn:aws:sns:us-*-1:1???:t*", "arn:aws:sns:us-east-1:1234:t:sub", "arn:aws:sns:us-east-1:12345:t arn:aws:sns:us-east-2:1234:t"},
		{"arn:*:s3:::b", "arn:aws:s3:::b arn:aws-cn:s3:::b", "arn:aws:x:s3:::b arn:aws:sqs:::b"},
		{"arn:aws:dynamodb", "arn:aws:dynamodb:us-east-1:1:table/x arn:aws:dynamodb:::", "arn:aws:dynamodbx:us-east-1:1:table/x"},
		{"arn:aws:logs:us-east-1", "arn:aws:logs:us-east-1:1:log-group:x:y", "arn:aws:logs:us-east-2:1:log-group:x"},
		{"arn:aws:logs:us-east-1:1:log-group:*:log-stream:*", "arn:aws:logs:us-east-1:1:log-group:x:y:log-stream:z", "arn:aws:logs:us-east-1:1:log-group:x"},
	} {
		for want, list := range map[bool]string{true: c.matches, false: c.others} {
			for _, resource := range strings.Fields(list) {
				for element, want := range map[string]bool{"Resource": want, "NotResource": !want} {
					r := &policy.Request{Action: "s3:x", Resource: resource}
					d := evaluate(t, r, identityDoc(`"Effect":"Allow","Action":"*","`+element+`":["arn:aws:none:::none","`+c.pattern+`"]`))
					if d.Allowed() != want {
						t.Errorf("%s %s with %s: %s", element, c.pattern, resource, d.Why())
					}
				}
			}
		}
	}
}
