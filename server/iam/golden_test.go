package iam_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// The wire, byte by byte: what order, spelling and escaping answers have.
func TestGoldenAnswers(t *testing.T) {
	a := start(t)
	document := "{\"Version\":\"2012-10-17\",\n \"Statement\":[{\"Sid\":\"Get\",\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"}]}"
	for _, step := range []struct {
		file, action string
		parameters   []string
	}{
		{"create-role", "CreateRole", []string{"RoleName=reader", "AssumeRolePolicyDocument=" + trusting("111122223333"), "Description=reads & writes"}},
		{"put-role-policy", "PutRolePolicy", []string{"RoleName=reader", "PolicyName=inline", "PolicyDocument=" + document}},
		{"get-role-policy", "GetRolePolicy", []string{"RoleName=reader", "PolicyName=inline"}},
		{"get-role", "GetRole", []string{"RoleName=reader"}},
		{"list-roles", "ListRoles", []string{"MaxItems=1"}},
		{"update-role", "UpdateRole", []string{"RoleName=reader", "MaxSessionDuration=7200"}},
		{"create-provider", "CreateOpenIDConnectProvider", []string{"Url=https://oidc.example.test/id/C1", "ClientIDList.member.1=sts.amazonaws.com"}},
		{"get-provider", "GetOpenIDConnectProvider", []string{"OpenIDConnectProviderArn=arn:aws:iam::111122223333:oidc-provider/oidc.example.test/id/C1"}},
		{"simulate", "SimulatePrincipalPolicy", []string{"PolicySourceArn=" + roleARN("reader"), "ActionNames.member.1=s3:GetObject", "ResourceArns.member.1=arn:aws:s3:::b/x"}},
		{"no-such-entity", "GetRole", []string{"RoleName=nobody"}},
		{"validation", "CreateRole", []string{"RoleName=<&>", "MaxSessionDuration=1", "AssumeRolePolicyDocument={}"}},
		{"delete-conflict", "DeleteRole", []string{"RoleName=reader"}},
	} {
		got := a.call(t, a.admin, step.action, step.parameters...).body + "\n"
		path := filepath.Join("testdata", step.file+".xml")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.file, diff)
		}
	}
}
