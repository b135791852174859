package iam_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/iam"
)

func TestPolicyVersions(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	p := must(client.CreatePolicy(ctx, &sdk.CreatePolicyInput{
		PolicyName: aws.String("p"), Path: aws.String("/team/"), PolicyDocument: aws.String(allowing("s3:Get*")), Description: aws.String("d"),
	}))(t).Policy
	if *p.Arn != "arn:aws:iam::111122223333:policy/team/p" || *p.DefaultVersionId != "v1" || p.CreateDate == nil || !p.IsAttachable {
		t.Errorf("%+v", p)
	}
	add := func(action string, byDefault bool) (string, error) {
		out, err := client.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{
			PolicyArn: p.Arn, PolicyDocument: aws.String(allowing(action)), SetAsDefault: byDefault,
		})
		if err != nil {
			return "", err
		}
		return *out.PolicyVersion.VersionId, nil
	}
	for i := 2; i <= 5; i++ {
		if got := must(add(fmt.Sprint("s3:A", i), i == 3))(t); got != fmt.Sprint("v", i) {
			t.Errorf("version %s", got)
		}
	}
	_, err := add("s3:B", false)
	refused(t, err, "LimitExceeded")
	remove := func(version string) error {
		_, err := client.DeletePolicyVersion(ctx, &sdk.DeletePolicyVersionInput{PolicyArn: p.Arn, VersionId: &version})
		return err
	}
	if got := refused(t, remove("v3"), "DeleteConflict"); got != "Cannot delete the default version of a policy." {
		t.Error(got)
	}
	refused(t, remove("v9"), "NoSuchEntity")
	if err := remove("v5"); err != nil {
		t.Fatal(err)
	}
	if got := must(add("s3:C", false))(t); got != "v6" {
		t.Errorf("a version's number was used again: %s", got)
	}
	must(client.SetDefaultPolicyVersion(ctx, &sdk.SetDefaultPolicyVersionInput{PolicyArn: p.Arn, VersionId: aws.String("v6")}))(t)
	var got []string
	lister := sdk.NewListPolicyVersionsPaginator(client, &sdk.ListPolicyVersionsInput{PolicyArn: p.Arn, MaxItems: aws.Int32(2)})
	for lister.HasMorePages() {
		for _, v := range must(lister.NextPage(ctx))(t).Versions {
			got = append(got, fmt.Sprint(*v.VersionId, v.IsDefaultVersion))
		}
	}
	if diff := cmp.Diff([]string{"v6true", "v4false", "v3false", "v2false", "v1false"}, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	v := must(client.GetPolicyVersion(ctx, &sdk.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: aws.String("v6")}))(t).PolicyVersion
	if text, err := url.PathUnescape(*v.Document); err != nil || text != allowing("s3:C") {
		t.Errorf("document %s, %v", text, err)
	}
	_, err = client.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: p.Arn})
	if got := refused(t, err, "DeleteConflict"); !strings.HasPrefix(got, "This policy has more than one version.") {
		t.Error(got)
	}
	for _, version := range []string{"v1", "v2", "v3", "v4"} {
		if err := remove(version); err != nil {
			t.Fatal(err)
		}
	}
	must(client.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: p.Arn}))(t)
	_, err = client.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: p.Arn})
	if got := refused(t, err, "NoSuchEntity"); got != "Policy arn:aws:iam::111122223333:policy/team/p was not found." {
		t.Error(got)
	}
}

func TestPolicyNamesAreUniqueWithoutPathAndCase(t *testing.T) {
	a := start(t)
	create := func(name, path string) answer {
		return a.call(t, a.admin, "CreatePolicy", "PolicyName="+name, "Path="+path, "PolicyDocument="+allowing("s3:*"))
	}
	if got := create("p", "/a/"); got.status != 200 {
		t.Fatal(got.body)
	}
	for _, path := range []string{"/a/", "/b/"} {
		code, message := create("P", path).failure()
		if code != "EntityAlreadyExists" || message != "A policy called P already exists. Duplicate names are not allowed." {
			t.Errorf("%s: %s %s", path, code, message)
		}
	}
	// An ARN is of a policy only as it is written.
	if code, _ := a.call(t, a.admin, "GetPolicy", "PolicyArn=arn:aws:iam::111122223333:policy/a/P").failure(); code != "NoSuchEntity" {
		t.Error(code)
	}
}

func TestListPolicies(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	var arns []string
	for i := range 3 {
		p := must(client.CreatePolicy(ctx, &sdk.CreatePolicyInput{
			PolicyName: aws.String(fmt.Sprint("p", i)), Path: aws.String("/team/"), PolicyDocument: aws.String(allowing("s3:*")),
		}))(t).Policy
		arns = append(arns, *p.Arn)
	}
	must(client.CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trusting("*")), PermissionsBoundary: &arns[2],
	}))(t)
	for _, arn := range []string{arns[1], "arn:aws:iam::aws:policy/AdministratorAccess"} {
		for range 2 { // attaching is idempotent
			must(client.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: &arn}))(t)
		}
	}
	names := func(in sdk.ListPoliciesInput) []string {
		t.Helper()
		var out []string
		in.MaxItems = aws.Int32(2)
		lister := sdk.NewListPoliciesPaginator(client, &in)
		for lister.HasMorePages() {
			for _, p := range must(lister.NextPage(ctx))(t).Policies {
				out = append(out, *p.PolicyName)
			}
		}
		return out
	}
	for _, test := range []struct {
		name string
		in   sdk.ListPoliciesInput
		want []string
	}{
		{"local", sdk.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}, []string{"p0", "p1", "p2"}},
		{"attached", sdk.ListPoliciesInput{OnlyAttached: true}, []string{"AdministratorAccess", "p1", "p2"}},
		{"permissions", sdk.ListPoliciesInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy}, []string{"AdministratorAccess", "p1"}},
		{"boundaries", sdk.ListPoliciesInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary}, []string{"p2"}},
		{"path", sdk.ListPoliciesInput{PathPrefix: aws.String("/service-role/")}, []string{"AWSLambdaBasicExecutionRole"}},
	} {
		if diff := cmp.Diff(test.want, names(test.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	all := names(sdk.ListPoliciesInput{})
	if aws := names(sdk.ListPoliciesInput{Scope: types.PolicyScopeTypeAws}); len(aws) < 8 || !slices.Equal(all, append(aws, "p0", "p1", "p2")) {
		t.Errorf("all %v, AWS's %v", all, aws)
	}

	entities := must(client.ListEntitiesForPolicy(ctx, &sdk.ListEntitiesForPolicyInput{PolicyArn: &arns[1]}))(t)
	if len(entities.PolicyRoles) != 1 || *entities.PolicyRoles[0].RoleName != "r" || len(entities.PolicyUsers) != 0 {
		t.Errorf("entities %+v", entities)
	}
	entities = must(client.ListEntitiesForPolicy(ctx, &sdk.ListEntitiesForPolicyInput{PolicyArn: &arns[1], EntityFilter: types.EntityTypeUser}))(t)
	if len(entities.PolicyRoles) != 0 {
		t.Errorf("users that are roles: %+v", entities)
	}
	attached := must(client.ListAttachedRolePolicies(ctx, &sdk.ListAttachedRolePoliciesInput{RoleName: aws.String("r"), PathPrefix: aws.String("/team/")}))(t)
	if len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "p1" {
		t.Errorf("attached %+v", attached)
	}
	_, err := client.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: &arns[1]})
	if got := refused(t, err, "DeleteConflict"); got != "Cannot delete a policy attached to entities." {
		t.Error(got)
	}
	// What another account attached is not counted here.
	other := must(a.client(a.other).GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))(t)
	if *other.Policy.AttachmentCount != 0 {
		t.Errorf("another account counts %d attachments", *other.Policy.AttachmentCount)
	}
}

func TestAttachmentQuota(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	must(client.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trusting("*"))}))(t)
	for i := range 11 {
		p := must(client.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: aws.String(fmt.Sprint("p", i)), PolicyDocument: aws.String(allowing("s3:*"))}))(t).Policy
		_, err := client.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: p.Arn})
		if i < 10 && err != nil {
			t.Fatal(err)
		}
		if i == 10 {
			if got := refused(t, err, "LimitExceeded"); got != "Cannot exceed quota for PoliciesPerRole: 10" {
				t.Error(got)
			}
		}
	}
}

// Every policy of AWS that can be attached must be one that the engine can evaluate: one that is refused there denies everything.
func TestManagedPolicies(t *testing.T) {
	a := start(t)
	list := must(a.client(a.admin).ListPolicies(t.Context(), &sdk.ListPoliciesInput{Scope: types.PolicyScopeTypeAws}))(t).Policies
	for _, p := range list {
		document, ok := iam.Managed(*p.Arn)
		if !ok {
			t.Errorf("%s is listed and not known", *p.Arn)
		}
		if _, err := policy.Parse(document, policy.Identity); err != nil {
			t.Errorf("%s: %v", *p.Arn, err)
		}
		moved, ok := iam.Managed(strings.Replace(*p.Arn, "arn:aws:", "arn:aws-cn:", 1))
		if !ok || strings.Contains(moved, "arn:aws:") {
			t.Errorf("%s in another partition: %v %s", *p.PolicyName, ok, moved)
		}
	}
	for _, arn := range []string{
		"", "arn:aws:iam::aws:policy/NoSuchPolicy", "arn:mars:iam::aws:policy/AdministratorAccess",
		"arn:aws:iam::111122223333:policy/AdministratorAccess", "arn:aws:sts::aws:policy/AdministratorAccess",
	} {
		if _, ok := iam.Managed(arn); ok {
			t.Errorf("%q is an AWS-managed policy", arn)
		}
	}
	_, err := a.client(a.admin).DeletePolicy(t.Context(), &sdk.DeletePolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	refused(t, err, "AccessDenied")
}
