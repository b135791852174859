package iam_test

import (
	"strings"
	"testing"
)

// refusal is a request of mine's administrator that is refused. There are a role r and a policy p.
type refusal struct {
	action     string
	parameters []string
	status     int
	code       string
	message    string // "" is any; a prefix where it ends with …
}

func refusals() []refusal {
	const pArn = "arn:aws:iam::111122223333:policy/p"
	violation := func(value, field, must string) string {
		return "1 validation error detected: Value " + value + " at '" + field + "' failed to satisfy constraint: Member must " + must
	}
	long := strings.Repeat("a", 65)
	statement := func(inner string) string { return `{"Version":"2012-10-17","Statement":[{` + inner + `}]}` }
	big := statement(`"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::` + strings.Repeat(`x","arn:aws:s3:::`, 1200) + `y"]`)
	return []refusal{
		{"CreateRole", []string{"RoleName=r", "AssumeRolePolicyDocument=" + trusting("*")}, 409, "EntityAlreadyExists", "Role with name r already exists."},
		{"CreateRole", []string{"AssumeRolePolicyDocument=" + trusting("*")}, 400, "ValidationError", violation("null", "roleName", "not be null")},
		{
			"CreateRole",
			[]string{"RoleName=a b", "AssumeRolePolicyDocument=" + trusting("*")},
			400, "ValidationError",
			violation("'a b'", "roleName", `satisfy regular expression pattern: [\w+=,.@-]+`),
		},
		{
			"CreateRole",
			[]string{"RoleName=" + long, "AssumeRolePolicyDocument=" + trusting("*")},
			400, "ValidationError",
			violation("'"+long+"'", "roleName", "have length less than or equal to 64"),
		},
		{
			"CreateRole",
			[]string{"RoleName=x", "Path=team", "AssumeRolePolicyDocument=" + trusting("*")},
			400, "ValidationError",
			violation("'team'", "path", `satisfy regular expression pattern: (\u002F)|(\u002F[\u0021-\u007E]+\u002F)`),
		},
		{
			"CreateRole",
			[]string{"RoleName=x", "MaxSessionDuration=3599", "AssumeRolePolicyDocument=" + trusting("*")},
			400, "ValidationError",
			violation("'3599'", "maxSessionDuration", "have value greater than or equal to 3600"),
		},
		{
			"CreateRole",
			[]string{"RoleName=x", "MaxSessionDuration=43201", "Path=x", "AssumeRolePolicyDocument=" + trusting("*")},
			400, "ValidationError",
			"2 validation errors detected: …",
		},
		{"CreateRole", []string{"RoleName=x", "Description=\u0100", "AssumeRolePolicyDocument=" + trusting("*")}, 400, "ValidationError", ""},
		{"CreateRole", []string{"RoleName=x", "AssumeRolePolicyDocument={"}, 400, "MalformedPolicyDocument", "This policy contains invalid Json…"},
		{"CreateRole", []string{"RoleName=x", "AssumeRolePolicyDocument=" + allowing("sts:AssumeRole")}, 400, "MalformedPolicyDocument", "Has prohibited field Resource…"},
		{
			"CreateRole",
			[]string{"RoleName=x", "AssumeRolePolicyDocument=" + statement(`"Effect":"Allow","Principal":{"AWS":"`+
				strings.Repeat(`*"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":"`, 40)+`*"},"Action":"sts:AssumeRole"`)},
			409, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048",
		},
		{"CreateRole", []string{
			"RoleName=x", "AssumeRolePolicyDocument=" + trusting("*"), "Tags.member.1.Key=a", "Tags.member.1.Value=", "Tags.member.2.Key=A",
			"Tags.member.2.Value=",
		}, 400, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{
			"CreateRole",
			[]string{"RoleName=x", "AssumeRolePolicyDocument=" + trusting("*"), "Tags.member.1.Key=a*", "Tags.member.1.Value="},
			400, "ValidationError",
			violation("'a*'", "tags.1.member.key", `satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`),
		},
		{
			"CreateRole",
			[]string{"RoleName=x", "AssumeRolePolicyDocument=" + trusting("*"), "PermissionsBoundary=arn:aws:iam::111122223333:policy/no"},
			404, "NoSuchEntity", "Scope ARN: arn:aws:iam::111122223333:policy/no does not exist or is not attachable.",
		},
		{"GetRole", []string{"RoleName=no"}, 404, "NoSuchEntity", "The role with name no cannot be found."},
		{"UpdateAssumeRolePolicy", []string{"RoleName=no", "PolicyDocument=" + trusting("*")}, 404, "NoSuchEntity", "The role with name no cannot be found."},
		{"GetRolePolicy", []string{"RoleName=r", "PolicyName=no"}, 404, "NoSuchEntity", "The role policy with name no cannot be found."},
		{"DeleteRolePolicy", []string{"RoleName=r", "PolicyName=no"}, 404, "NoSuchEntity", "The role policy with name no cannot be found."},
		{"PutRolePolicy", []string{"RoleName=r", "PolicyName=x", "PolicyDocument=" + trusting("*")}, 400, "MalformedPolicyDocument", ""},
		{
			"PutRolePolicy",
			[]string{"RoleName=r", "PolicyName=x", "PolicyDocument=" + statement(`"Effect":"Allow","Action":"s3:*"`)},
			400, "MalformedPolicyDocument",
			"Policy statement must contain resources.…",
		},
		{
			"PutRolePolicy",
			[]string{"RoleName=r", "PolicyName=x", "PolicyDocument=" + big},
			409, "LimitExceeded",
			"Maximum policy size of 10240 bytes exceeded for role r",
		},
		{
			"PutUserPolicy",
			[]string{"UserName=admin", "PolicyName=x", "PolicyDocument=" + big},
			409, "LimitExceeded",
			"Maximum policy size of 2048 bytes exceeded for user admin",
		},
		{"GetUserPolicy", []string{"UserName=admin", "PolicyName=no"}, 404, "NoSuchEntity", "The user policy with name no cannot be found."},
		{"CreatePolicy", []string{"PolicyName=x", "PolicyDocument=" + big}, 409, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144"},
		{"CreatePolicy", []string{"PolicyName=x", "Path=//", "PolicyDocument=" + allowing("s3:*")}, 400, "ValidationError", ""},
		{"AttachRolePolicy", []string{"RoleName=r", "PolicyArn=this-is-no-arn-at-all"}, 400, "ValidationError", "Invalid ARN:  Could not be parsed!"},
		{"AttachRolePolicy", []string{"RoleName=r", "PolicyArn=arn:aws:iam::111122223333:role/r"}, 400, "ValidationError", "Invalid ARN:  Could not be parsed!"},
		{
			"AttachRolePolicy",
			[]string{"RoleName=r", "PolicyArn=arn:aws:iam::aws:policy/NoSuch"},
			404, "NoSuchEntity",
			"Policy arn:aws:iam::aws:policy/NoSuch does not exist or is not attachable.",
		},
		{"DetachRolePolicy", []string{"RoleName=r", "PolicyArn=" + pArn}, 404, "NoSuchEntity", "Policy " + pArn + " was not found."},
		{"GetPolicy", []string{"PolicyArn=arn:aws:iam::111122223333:policy/no"}, 404, "NoSuchEntity", "Policy arn:aws:iam::111122223333:policy/no was not found."},
		{"GetPolicy", []string{"PolicyArn=nonsense nonsense nonsense"}, 400, "ValidationError", "Invalid ARN:  Could not be parsed!"},
		{
			"GetPolicyVersion",
			[]string{"PolicyArn=" + pArn, "VersionId=v2"},
			404, "NoSuchEntity",
			"Policy " + pArn + " version v2 does not exist or is not attachable.",
		},
		{
			"GetPolicyVersion",
			[]string{"PolicyArn=" + pArn, "VersionId=v0"},
			400, "ValidationError",
			violation("'v0'", "versionId", `satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`),
		},
		{"ListPolicies", []string{"Scope=Everything"}, 400, "ValidationError", ""},
		{"ListPolicies", []string{"MaxItems=0"}, 400, "ValidationError", violation("'0'", "maxItems", "have value greater than or equal to 1")},
		{"ListRoles", []string{"Marker=$"}, 400, "ValidationError", "Invalid Marker."},
		{"GetOpenIDConnectProvider", []string{"OpenIDConnectProviderArn=https://oidc.example.test"}, 400, "ValidationError", "Invalid ARN:  Could not be parsed!"},
		{"AddClientIDToOpenIDConnectProvider", []string{"OpenIDConnectProviderArn=https://oidc.example.test", "ClientID=x"}, 400, "ValidationError", ""},
		{
			"UpdateOpenIDConnectProviderThumbprint",
			[]string{"OpenIDConnectProviderArn=arn:aws:iam::111122223333:oidc-provider/x", "ThumbprintList.member.1=ab"},
			400, "ValidationError", violation("'ab'", "thumbprintList", "have length greater than or equal to 40"),
		},
		{"UpdateAccessKey", []string{"AccessKeyId=AKIAQQQQQQQQQQQQQQQQ", "Status=Expired"}, 400, "ValidationError", ""},
		{"SimulatePrincipalPolicy", []string{"PolicySourceArn=" + roleARN("r")}, 400, "ValidationError", violation("null", "actionNames", "not be null")},
		{"SimulatePrincipalPolicy", []string{"PolicySourceArn=arn:aws:s3:::bucket-of-mine", "ActionNames.member.1=s3:GetObject"}, 400, "InvalidInput", ""},
		{"SimulatePrincipalPolicy", []string{"PolicySourceArn=" + roleARN("no"), "ActionNames.member.1=s3:GetObject"}, 404, "NoSuchEntity", ""},
		{"SimulateCustomPolicy", []string{"PolicyInputList.member.1={", "ActionNames.member.1=s3:GetObject"}, 400, "InvalidInput", "PolicyInputList.1: …"},
		{"ListRoles", []string{"PathPrefix=team"}, 400, "ValidationError", ""},
		{"CreateGroup", []string{"GroupName=g"}, 400, "InvalidAction", "Could not find operation CreateGroup for version 2010-05-08"},
	}
}

func TestErrors(t *testing.T) {
	a := start(t)
	for _, made := range [][]string{
		{"CreateRole", "RoleName=r", "AssumeRolePolicyDocument=" + trusting("*")},
		{"CreatePolicy", "PolicyName=p", "PolicyDocument=" + allowing("s3:*")},
	} {
		if got := a.call(t, a.admin, made[0], made[1:]...); got.status != 200 {
			t.Fatal(got.body)
		}
	}
	for _, test := range refusals() {
		got := a.call(t, a.admin, test.action, test.parameters...)
		code, message := got.failure()
		prefix, isPrefix := strings.CutSuffix(test.message, "…")
		if got.status != test.status || code != test.code || test.message != "" && message != test.message && !(isPrefix && strings.HasPrefix(message, prefix)) {
			t.Errorf("%s %.200s\ngot  %d %s: %s\nwant %d %s: %s", test.action, test.parameters, got.status, code, message, test.status, test.code, test.message)
		}
		if code == "LimitExceededException" {
			t.Error("SDKs take LimitExceededException for throttling, and retry")
		}
	}
}

// A refused document is said to be wrong somewhere.
func TestMalformedPolicyHasAPosition(t *testing.T) {
	a := start(t)
	document := "{\"Version\":\"2012-10-17\",\n\"Statement\":[{\"Effect\":\"Maybe\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}"
	code, message := a.call(t, a.admin, "CreatePolicy", "PolicyName=p", "PolicyDocument="+document).failure()
	if code != "MalformedPolicyDocument" || !strings.Contains(message, "line 2, column") {
		t.Errorf("%s: %s", code, message)
	}
}

// White space is free, up to the API model's own limit.
func TestWhiteSpaceIsNotCounted(t *testing.T) {
	a := start(t)
	document := strings.Replace(allowing("s3:*"), "{", "{"+strings.Repeat(" \n", 10000), 1)
	if got := a.call(t, a.admin, "CreatePolicy", "PolicyName=p", "PolicyDocument="+document); got.status != 200 {
		t.Error(got.body)
	}
}
