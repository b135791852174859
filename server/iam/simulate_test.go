package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
)

// results is what a simulation decided, one line an action and resource.
func results(list []types.EvaluationResult) []string {
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprint(*r.EvalActionName, " ", *r.EvalResourceName, " ", r.EvalDecision))
	}
	return out
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	role := must(client.CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trusting("*")), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}},
	}))(t).Role
	document := "{\"Version\":\"2012-10-17\",\"Statement\":[\n" +
		"{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::${aws:PrincipalTag/team}/*\"},\n" +
		"{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:SourceVpc\":\"vpc-bad\"}}}]}"
	must(client.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("inline"), PolicyDocument: &document}))(t)
	must(client.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: role.RoleName, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonSQSFullAccess")}))(t)

	out := must(client.SimulatePrincipalPolicy(ctx, &sdk.SimulatePrincipalPolicyInput{
		PolicySourceArn: role.Arn, ActionNames: []string{"s3:GetObject", "sqs:SendMessage"},
		ResourceArns: []string{"arn:aws:s3:::red/x", "arn:aws:s3:::blue/x"},
	}))(t)
	want := []string{
		"s3:GetObject arn:aws:s3:::red/x allowed", "s3:GetObject arn:aws:s3:::blue/x implicitDeny",
		"sqs:SendMessage arn:aws:s3:::red/x allowed", "sqs:SendMessage arn:aws:s3:::blue/x allowed",
	}
	if diff := cmp.Diff(want, results(out.EvaluationResults)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	first := out.EvaluationResults[0]
	if len(first.MatchedStatements) != 1 || *first.MatchedStatements[0].SourcePolicyId != "role_r_inline" ||
		first.MatchedStatements[0].StartPosition.Line != 2 || first.MatchedStatements[0].EndPosition.Line != 2 {
		t.Errorf("matched %+v", first.MatchedStatements)
	}
	if diff := cmp.Diff([]string{"aws:SourceVpc"}, first.MissingContextValues); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if len(first.ResourceSpecificResults) != 1 || first.ResourceSpecificResults[0].EvalResourceDecision != types.PolicyEvaluationDecisionTypeAllowed {
		t.Errorf("by resource %+v", first.ResourceSpecificResults)
	}
	if first.PermissionsBoundaryDecisionDetail != nil || !first.OrganizationsDecisionDetail.AllowedByOrganizations {
		t.Errorf("%+v", first)
	}
	if got := *out.EvaluationResults[2].MatchedStatements[0].SourcePolicyId; got != "AmazonSQSFullAccess" {
		t.Errorf("a managed policy is called %s", got)
	}

	for _, test := range []struct {
		name string
		in   sdk.SimulatePrincipalPolicyInput
		want types.PolicyEvaluationDecisionType
	}{
		{"explicit deny", sdk.SimulatePrincipalPolicyInput{ContextEntries: []types.ContextEntry{{
			ContextKeyName: aws.String("aws:SourceVpc"), ContextKeyValues: []string{"vpc-bad"}, ContextKeyType: types.ContextKeyTypeEnumString,
		}}}, types.PolicyEvaluationDecisionTypeExplicitDeny},
		{"another tag", sdk.SimulatePrincipalPolicyInput{ContextEntries: []types.ContextEntry{{
			ContextKeyName: aws.String("aws:PrincipalTag/team"), ContextKeyValues: []string{"green"}, ContextKeyType: types.ContextKeyTypeEnumString,
		}}}, types.PolicyEvaluationDecisionTypeImplicitDeny},
		{"boundary", sdk.SimulatePrincipalPolicyInput{PermissionsBoundaryPolicyInputList: []string{allowing("sqs:*")}}, types.PolicyEvaluationDecisionTypeImplicitDeny},
		{
			"given deny",
			sdk.SimulatePrincipalPolicyInput{PolicyInputList: []string{strings.Replace(allowing("s3:*"), "Allow", "Deny", 1)}},
			types.PolicyEvaluationDecisionTypeExplicitDeny,
		},
		{"without inline policies", sdk.SimulatePrincipalPolicyInput{PolicyExclusionList: []types.PolicyIdentifier{
			&types.PolicyIdentifierMemberPolicyType{Value: types.PolicyIdentifierPolicyTypeInline},
		}}, types.PolicyEvaluationDecisionTypeImplicitDeny},
		{"without the inline policy of another", sdk.SimulatePrincipalPolicyInput{PolicyExclusionList: []types.PolicyIdentifier{
			&types.PolicyIdentifierMemberInlinePolicyIdentifier{Value: types.InlinePolicyIdentifierType{
				AttachmentName: aws.String("x*"), AttachmentType: types.AttachmentTypeRole, PolicyName: aws.String("inline"),
			}},
		}}, types.PolicyEvaluationDecisionTypeAllowed},
		{"without the inline policy", sdk.SimulatePrincipalPolicyInput{PolicyExclusionList: []types.PolicyIdentifier{
			&types.PolicyIdentifierMemberInlinePolicyIdentifier{Value: types.InlinePolicyIdentifierType{
				AttachmentName: aws.String("*"), AttachmentType: types.AttachmentTypeRole, PolicyName: aws.String("inline"),
			}},
		}}, types.PolicyEvaluationDecisionTypeImplicitDeny},
	} {
		test.in.PolicySourceArn, test.in.ActionNames, test.in.ResourceArns = role.Arn, []string{"s3:GetObject"}, []string{"arn:aws:s3:::red/x"}
		got := must(client.SimulatePrincipalPolicy(ctx, &test.in))(t).EvaluationResults[0]
		if got.EvalDecision != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.EvalDecision, test.want)
		}
		if bounded := test.in.PermissionsBoundaryPolicyInputList != nil; bounded != (got.PermissionsBoundaryDecisionDetail != nil) {
			t.Errorf("%s: boundary detail %v", test.name, got.PermissionsBoundaryDecisionDetail)
		}
	}

	keys := must(client.GetContextKeysForPrincipalPolicy(ctx, &sdk.GetContextKeysForPrincipalPolicyInput{
		PolicySourceArn: role.Arn, PolicyInputList: []string{document},
	}))(t).ContextKeyNames
	if diff := cmp.Diff([]string{"aws:PrincipalTag/team", "aws:SourceVpc"}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// What a role's own permissions boundary withholds is told.
func TestSimulateBoundary(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	bound := must(client.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("bound"), PolicyDocument: aws.String(allowing("s3:*"))}))(t).Policy.Arn
	role := must(client.CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trusting("*")), PermissionsBoundary: bound,
	}))(t).Role
	out := must(client.SimulatePrincipalPolicy(ctx, &sdk.SimulatePrincipalPolicyInput{
		PolicySourceArn: role.Arn, PolicyInputList: []string{allowing("*")}, ActionNames: []string{"s3:GetObject", "sqs:SendMessage"},
	}))(t).EvaluationResults
	if diff := cmp.Diff([]string{"s3:GetObject * allowed", "sqs:SendMessage * implicitDeny"}, results(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, want := range []bool{true, false} {
		if got := out[i].PermissionsBoundaryDecisionDetail; got == nil || got.AllowedByPermissionsBoundary != want {
			t.Errorf("%s: boundary %+v", *out[i].EvalActionName, got)
		}
	}
}

func TestSimulateCustomPolicy(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	const bucket, me = "arn:aws:s3:::b/x", "arn:aws:iam::111122223333:user/admin"
	resourcePolicy := func(effect, principal string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `","Principal":{"AWS":"` + principal +
			`"},"Action":"s3:GetObject","Resource":"` + bucket + `"}}`)
	}
	for _, test := range []struct {
		name     string
		resource *string
		owner    string
		identity string
		want     types.PolicyEvaluationDecisionType
	}{
		{"identity alone", nil, "", allowing("s3:*"), "allowed"},
		{"resource alone, same account", resourcePolicy("Allow", me), "", allowing("sqs:*"), "allowed"},
		{"resource alone, other account", resourcePolicy("Allow", me), "444455556666", allowing("sqs:*"), "implicitDeny"},
		{"both, other account", resourcePolicy("Allow", me), "arn:aws:iam::444455556666:root", allowing("s3:*"), "allowed"},
		{"identity alone, other account", resourcePolicy("Allow", "arn:aws:iam::444455556666:user/x"), "444455556666", allowing("s3:*"), "implicitDeny"},
		{"resource denies", resourcePolicy("Deny", me), "", allowing("s3:*"), "explicitDeny"},
	} {
		in := &sdk.SimulateCustomPolicyInput{
			PolicyInputList: []string{test.identity}, ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucket},
			ResourcePolicy: test.resource, CallerArn: aws.String(me),
		}
		if test.owner != "" {
			in.ResourceOwner = &test.owner
		}
		if got := must(client.SimulateCustomPolicy(ctx, in))(t).EvaluationResults[0]; got.EvalDecision != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.EvalDecision, test.want)
		}
	}
	_, err := client.SimulateCustomPolicy(ctx, &sdk.SimulateCustomPolicyInput{
		PolicyInputList: []string{allowing("s3:*")}, ActionNames: []string{"s3:GetObject"}, ResourcePolicy: resourcePolicy("Allow", me),
	})
	refused(t, err, "InvalidInput")
	keys := must(client.GetContextKeysForCustomPolicy(ctx, &sdk.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{allowing("s3:*")}}))(t)
	if len(keys.ContextKeyNames) != 0 {
		t.Errorf("keys %v", keys.ContextKeyNames)
	}
}

func TestSimulationPages(t *testing.T) {
	a := start(t)
	var actions []string
	for i := range 7 {
		actions = append(actions, fmt.Sprint("s3:Action", i))
	}
	lister := sdk.NewSimulateCustomPolicyPaginator(a.client(a.admin), &sdk.SimulateCustomPolicyInput{
		PolicyInputList: []string{allowing("s3:*")}, ActionNames: actions, ResourceArns: []string{"arn:aws:s3:::a", "arn:aws:s3:::b"}, MaxItems: aws.Int32(4),
	})
	var sizes []int
	total := map[string]bool{}
	for lister.HasMorePages() {
		page := must(lister.NextPage(t.Context()))(t)
		sizes = append(sizes, len(page.EvaluationResults))
		for _, r := range results(page.EvaluationResults) {
			total[r] = true
		}
	}
	if diff := cmp.Diff([]int{4, 4, 4, 2}, sizes); diff != "" || len(total) != 14 {
		t.Errorf("%d results (-want +got):\n%s", len(total), diff)
	}
}

func TestContextEntryTypes(t *testing.T) {
	a := start(t)
	condition := func(operator string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + operator + `}}}`
	}
	for _, test := range []struct {
		kind, operator string
		values         []string
		want           string // decision, or error code
	}{
		{"string", `"StringEquals":{"my:key":"a"}`, []string{"a"}, "allowed"},
		{"string", `"StringEquals":{"my:key":"a"}`, []string{"a", "b"}, "InvalidInput"},
		{"string", `"StringEquals":{"my:key":"a"}`, nil, "InvalidInput"},
		{"stringList", `"ForAnyValue:StringEquals":{"my:key":"b"}`, []string{"a", "b"}, "allowed"},
		{"numeric", `"NumericLessThan":{"my:key":"5"}`, []string{"4.5"}, "allowed"},
		{"numeric", `"NumericLessThan":{"my:key":"5"}`, []string{"four"}, "InvalidInput"},
		{"numericList", `"ForAllValues:NumericLessThan":{"my:key":"5"}`, []string{"4", "6"}, "implicitDeny"},
		{"boolean", `"Bool":{"my:key":"true"}`, []string{"True"}, "allowed"},
		{"boolean", `"Bool":{"my:key":"true"}`, []string{"yes"}, "InvalidInput"},
		{"booleanList", `"ForAnyValue:Bool":{"my:key":"true"}`, []string{"false", "true"}, "allowed"},
		{"ip", `"IpAddress":{"my:key":"10.0.0.0/8"}`, []string{"10.1.2.3"}, "allowed"},
		{"ip", `"IpAddress":{"my:key":"10.0.0.0/8"}`, []string{"10.1.2"}, "InvalidInput"},
		{"ipList", `"ForAnyValue:IpAddress":{"my:key":"2001:db8::/32"}`, []string{"10.1.2.3", "2001:db8::1"}, "allowed"},
		{"binary", `"BinaryEquals":{"my:key":"YWI="}`, []string{"YWI="}, "allowed"},
		{"binary", `"BinaryEquals":{"my:key":"YWI="}`, []string{"*"}, "InvalidInput"},
		{"binaryList", `"ForAnyValue:BinaryEquals":{"my:key":"YWI="}`, []string{"YWI="}, "allowed"},
		{"date", `"DateGreaterThan":{"my:key":"2026-01-01T00:00:00Z"}`, []string{"2026-01-02T00:00:00Z"}, "allowed"},
		{"date", `"DateGreaterThan":{"my:key":"2026-01-01T00:00:00Z"}`, []string{"tomorrow"}, "InvalidInput"},
		{"dateList", `"ForAnyValue:DateGreaterThan":{"my:key":"2026-01-01T00:00:00Z"}`, []string{"2026-01-02T00:00:00Z"}, "allowed"},
		{"text", `"StringEquals":{"my:key":"a"}`, []string{"a"}, "ValidationError"},
	} {
		parameters := []string{
			"PolicyInputList.member.1=" + condition(test.operator), "ActionNames.member.1=s3:GetObject",
			"ContextEntries.member.1.ContextKeyName=my:key", "ContextEntries.member.1.ContextKeyType=" + test.kind,
		}
		for i, value := range test.values {
			parameters = append(parameters, fmt.Sprintf("ContextEntries.member.1.ContextKeyValues.member.%d=%s", i+1, value))
		}
		got := a.call(t, a.admin, "SimulateCustomPolicy", parameters...)
		code, _ := got.failure()
		if code != test.want && !strings.Contains(got.body, "<EvalDecision>"+test.want+"</EvalDecision>") {
			t.Errorf("%s %s %v: %d %s", test.kind, test.operator, test.values, got.status, got.body)
		}
	}
}
