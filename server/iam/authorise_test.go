package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/podpass/podpass/audit"
)

// Who may not ask learns nothing: what exists and what does not is refused with the same words.
func TestRefusalsTellNothing(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	must(client.CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("there"), Path: aws.String("/hidden/"), AssumeRolePolicyDocument: aws.String(trusting("*")),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	}))(t)
	must(client.CreateUser(ctx, &sdk.CreateUserInput{UserName: aws.String("there"), Path: aws.String("/hidden/")}))(t)
	must(client.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("there"), PolicyDocument: aws.String(allowing("s3:*"))}))(t)
	must(client.CreateOpenIDConnectProvider(ctx, &sdk.CreateOpenIDConnectProviderInput{Url: aws.String("https://there")}))(t)
	nobody := a.user(t, "nobody", allowing("s3:*"))
	const account = "arn:aws:iam::111122223333:"
	for action, parameter := range map[string]string{
		"GetRole": "RoleName=", "DeleteRole": "RoleName=", "ListRolePolicies": "RoleName=", "ListAttachedRolePolicies": "RoleName=", "ListRoleTags": "RoleName=",
		"ListInstanceProfilesForRole": "RoleName=", "DeleteRolePermissionsBoundary": "RoleName=",
		"GetUser": "UserName=", "DeleteUser": "UserName=", "CreateAccessKey": "UserName=", "ListAccessKeys": "UserName=", "ListUserPolicies": "UserName=",
		"GetPolicy": "PolicyArn=" + account + "policy/", "DeletePolicy": "PolicyArn=" + account + "policy/",
		"ListPolicyVersions": "PolicyArn=" + account + "policy/", "ListEntitiesForPolicy": "PolicyArn=" + account + "policy/",
		"GetOpenIDConnectProvider":         "OpenIDConnectProviderArn=" + account + "oidc-provider/",
		"DeleteOpenIDConnectProvider":      "OpenIDConnectProviderArn=" + account + "oidc-provider/",
		"ListOpenIDConnectProviderTags":    "OpenIDConnectProviderArn=" + account + "oidc-provider/",
		"GetContextKeysForPrincipalPolicy": "PolicySourceArn=" + account + "role/hidden/",
	} {
		var messages []string
		for _, name := range []string{"there", "absent"} {
			got := a.call(t, nobody, action, parameter+name)
			code, message := got.failure()
			if got.status != 403 || code != "AccessDenied" {
				t.Errorf("%s of %s: %d %s", action, name, got.status, got.body)
			}
			if strings.HasPrefix(parameter, "RoleName=") && strings.Contains(message, "hidden") {
				t.Errorf("%s tells the role's path: %s", action, message)
			}
			messages = append(messages, strings.ReplaceAll(message, name, "NAME"))
		}
		if messages[0] != messages[1] {
			t.Errorf("%s tells what exists:\n%s\n%s", action, messages[0], messages[1])
		}
	}
	_, message := a.call(t, nobody, "GetRole", "RoleName=there").failure()
	want := "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:GetRole on resource: role there because no identity-based policy " +
		"allows the iam:GetRole action"
	if message != want {
		t.Errorf("%s\nwant\n%s", message, want)
	}
	if e := a.audit.last(); e.Outcome != audit.Refused || e.Resource != roleARN("hidden/there") || e.Reason == "" {
		t.Errorf("audited as %+v", e)
	}
}

// An account's administrator, allowed everything, can do nothing in another account.
func TestAccountsAreIsolated(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	p := must(client.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String(allowing("s3:*"))}))(t).Policy
	provider := must(client.CreateOpenIDConnectProvider(ctx, &sdk.CreateOpenIDConnectProviderInput{Url: aws.String("https://o.example")}))(t)
	role := must(client.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trusting("*"))}))(t).Role
	other := a.client(a.other)
	must(other.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("mine"), AssumeRolePolicyDocument: aws.String(trusting("*"))}))(t)

	for action, parameters := range map[string][]string{
		"GetPolicy":                             {"PolicyArn=" + *p.Arn},
		"DeletePolicy":                          {"PolicyArn=" + *p.Arn},
		"TagPolicy":                             {"PolicyArn=" + *p.Arn, "Tags.member.1.Key=k", "Tags.member.1.Value=v"},
		"CreatePolicyVersion":                   {"PolicyArn=" + *p.Arn, "PolicyDocument=" + allowing("*")},
		"GetPolicyVersion":                      {"PolicyArn=" + *p.Arn, "VersionId=v1"},
		"ListEntitiesForPolicy":                 {"PolicyArn=" + *p.Arn},
		"GetOpenIDConnectProvider":              {"OpenIDConnectProviderArn=" + *provider.OpenIDConnectProviderArn},
		"DeleteOpenIDConnectProvider":           {"OpenIDConnectProviderArn=" + *provider.OpenIDConnectProviderArn},
		"AddClientIDToOpenIDConnectProvider":    {"OpenIDConnectProviderArn=" + *provider.OpenIDConnectProviderArn, "ClientID=evil"},
		"TagOpenIDConnectProvider":              {"OpenIDConnectProviderArn=" + *provider.OpenIDConnectProviderArn, "Tags.member.1.Key=k"},
		"SimulatePrincipalPolicy":               {"PolicySourceArn=" + *role.Arn, "ActionNames.member.1=s3:GetObject"},
		"GetContextKeysForPrincipalPolicy":      {"PolicySourceArn=" + *role.Arn},
		"UpdateOpenIDConnectProviderThumbprint": {"OpenIDConnectProviderArn=" + *provider.OpenIDConnectProviderArn, "ThumbprintList="},
	} {
		got := a.call(t, a.other, action, parameters...)
		if code, _ := got.failure(); code != "AccessDenied" || got.status != 403 {
			t.Errorf("%s: %d %s", action, got.status, got.body)
		}
	}
	for action, code := range map[string]string{"GetRole": "NoSuchEntity", "DeleteRole": "NoSuchEntity"} {
		if got, _ := a.call(t, a.other, action, "RoleName=r").failure(); got != code {
			t.Errorf("%s: %s", action, got)
		}
	}
	for _, action := range []string{"AttachRolePolicy", "PutRolePermissionsBoundary"} {
		got := a.call(t, a.other, action, "RoleName=mine", "PolicyArn="+*p.Arn, "PermissionsBoundary="+*p.Arn)
		if code, message := got.failure(); code != "NoSuchEntity" || !strings.HasSuffix(message, " "+*p.Arn+" does not exist or is not attachable.") {
			t.Errorf("%s of another account's policy: %s %s", action, code, message)
		}
	}
	if roles := must(other.ListRoles(ctx, nil))(t).Roles; len(roles) != 1 || *roles[0].RoleName != "mine" {
		t.Errorf("another account lists %v", roles)
	}
	kept, ok := a.store.Providers.Get("111122223333/o.example")
	if !ok || len(kept.ClientIDs) != 0 || len(kept.Tags) != 0 {
		t.Errorf("the provider was changed: %+v", kept)
	}
}

// Delegated administration as AWS's documents describe it: every condition key an action has must reach the policy.
func TestConditionKeys(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	bound := *must(client.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("bound"), PolicyDocument: aws.String(allowing("s3:*"))}))(t).Policy.Arn
	for name, boundary := range map[string]*string{"bounded": &bound, "free": nil} {
		must(client.CreateRole(ctx, &sdk.CreateRoleInput{
			RoleName: &name, AssumeRolePolicyDocument: aws.String(trusting("*")), PermissionsBoundary: boundary,
			Tags: []types.Tag{{Key: aws.String("team"), Value: &name}},
		}))(t)
	}
	statement := func(action, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:` + action + `","Resource":"*","Condition":` + condition + `}]}`
	}
	trust := "AssumeRolePolicyDocument=" + trusting("*")
	s3 := "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
	tests := []struct {
		name, policy, action string
		allowed, refused     []string
	}{
		{
			"resource tag", statement("GetRole", `{"StringEquals":{"aws:ResourceTag/TEAM":"free"}}`), "GetRole",
			[]string{"RoleName=free"},
			[]string{"RoleName=bounded"},
		},
		{
			"iam resource tag", statement("ListRolePolicies", `{"StringEquals":{"iam:ResourceTag/team":"bounded"}}`), "ListRolePolicies",
			[]string{"RoleName=bounded"},
			[]string{"RoleName=free"},
		},
		{
			"request tag", statement("TagRole", `{"StringEquals":{"aws:RequestTag/team":"x"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`), "TagRole",
			[]string{"RoleName=free", "Tags.member.1.Key=team", "Tags.member.1.Value=x"},
			[]string{"RoleName=free", "Tags.member.1.Key=team", "Tags.member.1.Value=x", "Tags.member.2.Key=other", "Tags.member.2.Value=x"},
		},
		{
			"tag keys", statement("UntagRole", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}`), "UntagRole",
			[]string{"RoleName=free", "TagKeys.member.1=a"},
			[]string{"RoleName=free", "TagKeys.member.1=a", "TagKeys.member.2=b"},
		},
		{
			"new boundary", statement("CreateRole", `{"StringEquals":{"iam:PermissionsBoundary":"`+bound+`"}}`), "CreateRole",
			[]string{"RoleName=new", trust, "PermissionsBoundary=" + bound},
			[]string{"RoleName=new2", trust},
		},
		{
			"own boundary", statement("AttachRolePolicy", `{"StringEquals":{"iam:PermissionsBoundary":"`+bound+`"}}`), "AttachRolePolicy",
			[]string{"RoleName=bounded", "PolicyArn=" + s3},
			[]string{"RoleName=free", "PolicyArn=" + s3},
		},
		{
			"own boundary of an inline policy", statement("DeleteRolePolicy", `{"StringEquals":{"iam:PermissionsBoundary":"`+bound+`"}}`), "DeleteRolePolicy",
			nil,
			[]string{"RoleName=free", "PolicyName=p"},
		},
		{
			"policy", statement("AttachRolePolicy", `{"ArnEquals":{"iam:PolicyARN":"`+s3+`"}}`), "AttachRolePolicy",
			[]string{"RoleName=free", "PolicyArn=" + s3},
			[]string{"RoleName=free", "PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess"},
		},
	}
	for i, test := range tests {
		user := a.user(t, "delegate"+string(rune('a'+i)), test.policy)
		if test.allowed != nil {
			if got := a.call(t, user, test.action, test.allowed...); got.status != 200 {
				t.Errorf("%s: %s was refused: %s", test.name, test.allowed, got.body)
			}
		}
		if code, _ := a.call(t, user, test.action, test.refused...).failure(); code != "AccessDenied" {
			t.Errorf("%s: %s was answered %q", test.name, test.refused, code)
		}
	}
}
