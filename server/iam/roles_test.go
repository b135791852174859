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
)

func TestRoleLifecycle(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	trust := "{\n  \"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"" + string(mine) +
		"\"}, \"Action\": \"sts:AssumeRole\"}]}"
	made := must(client.CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("reader"), Path: aws.String("/team/"), AssumeRolePolicyDocument: &trust, Description: aws.String("reads"),
		Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("")}},
	}))(t).Role
	if got, want := *made.Arn, "arn:aws:iam::111122223333:role/team/reader"; got != want {
		t.Errorf("ARN %s, want %s", got, want)
	}
	if !strings.HasPrefix(*made.RoleId, "AROA") || len(*made.RoleId) != 21 {
		t.Errorf("unique id %s", *made.RoleId)
	}
	if made.MaxSessionDuration != nil {
		t.Error("CreateRole answers with MaxSessionDuration; AWS does not")
	}
	if len(made.Tags) != 1 || made.Tags[0].Value == nil {
		t.Errorf("tags %v: a tag with an empty value has lost it", made.Tags)
	}

	got := must(client.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("READER")}))(t).Role
	shown, err := url.PathUnescape(*got.AssumeRolePolicyDocument)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(trust, `"111122223333"`, `"arn:aws:iam::111122223333:root"`, 1); shown != want {
		t.Errorf("trust policy is shown as\n%s\nwant\n%s", shown, want)
	}
	if strings.ContainsAny(*got.AssumeRolePolicyDocument, "+{} \"\n") {
		t.Errorf("trust policy is not percent-encoded as RFC 3986 has it: %s", *got.AssumeRolePolicyDocument)
	}
	if *got.MaxSessionDuration != 3600 || *got.Description != "reads" || got.RoleLastUsed == nil {
		t.Errorf("GetRole shows %+v", got)
	}

	must(client.UpdateRole(ctx, &sdk.UpdateRoleInput{RoleName: aws.String("reader"), MaxSessionDuration: aws.Int32(7200)}))(t)
	got = must(client.UpdateRoleDescription(ctx, &sdk.UpdateRoleDescriptionInput{RoleName: aws.String("reader"), Description: aws.String("")}))(t).Role
	if *got.MaxSessionDuration != 7200 || got.Description != nil {
		t.Errorf("after the updates the role is %+v", got)
	}

	must(client.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{
		RoleName: aws.String("reader"), PolicyName: aws.String("s3"), PolicyDocument: aws.String(allowing("s3:Get*")),
	}))(t)
	must(client.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{
		RoleName: aws.String("reader"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
	}))(t)
	_, err = client.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: aws.String("reader")})
	if got := refused(t, err, "DeleteConflict"); got != "Cannot delete entity, must detach all policies first." {
		t.Error(got)
	}
	must(client.DetachRolePolicy(ctx, &sdk.DetachRolePolicyInput{
		RoleName: aws.String("reader"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
	}))(t)
	_, err = client.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: aws.String("reader")})
	if got := refused(t, err, "DeleteConflict"); got != "Cannot delete entity, must delete policies first." {
		t.Error(got)
	}
	must(client.DeleteRolePolicy(ctx, &sdk.DeleteRolePolicyInput{RoleName: aws.String("reader"), PolicyName: aws.String("s3")}))(t)
	must(client.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: aws.String("reader")}))(t)
	_, err = client.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("reader")})
	if got := refused(t, err, "NoSuchEntity"); got != "The role with name reader cannot be found." {
		t.Error(got)
	}
}

func TestRoleNamesAreUniqueWithoutCase(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	create := func(name, path string) error {
		_, err := client.CreateRole(ctx, &sdk.CreateRoleInput{
			RoleName: &name, Path: &path, AssumeRolePolicyDocument: aws.String(trusting(string(mine))),
		})
		return err
	}
	if err := create("Reader", "/"); err != nil {
		t.Fatal(err)
	}
	if got := refused(t, create("rEADER", "/other/"), "EntityAlreadyExists"); got != "Role with name rEADER already exists." {
		t.Error(got)
	}
	// Another account's names are its own.
	_, err := a.client(a.other).CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("Reader"), AssumeRolePolicyDocument: aws.String(trusting(string(mine))),
	})
	if err != nil {
		t.Error(err)
	}
}

func TestListRolesPages(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	var want []string
	for i := range 7 {
		name, path := fmt.Sprintf("r%d", i), "/a/"
		if i%3 == 0 {
			path = "/b/"
		} else {
			want = append(want, name)
		}
		must(client.CreateRole(ctx, &sdk.CreateRoleInput{
			RoleName: &name, Path: &path, AssumeRolePolicyDocument: aws.String(trusting(string(mine))),
			Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		}))(t)
	}
	var got []string
	pages := 0
	lister := sdk.NewListRolesPaginator(client, &sdk.ListRolesInput{PathPrefix: aws.String("/a/"), MaxItems: aws.Int32(2)})
	for lister.HasMorePages() {
		page := must(lister.NextPage(ctx))(t)
		pages++
		if len(page.Roles) > 2 {
			t.Errorf("a page of %d roles, asked for 2", len(page.Roles))
		}
		for _, r := range page.Roles {
			got = append(got, *r.RoleName)
			if r.Tags != nil || r.PermissionsBoundary != nil || r.RoleLastUsed != nil {
				t.Errorf("ListRoles shows what only GetRole does: %+v", r)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 2 {
		t.Errorf("%d pages (-want +got):\n%s", pages, diff)
	}
	// The model admits DEL in a path prefix, though no path and no ARN can hold it.
	if roles := must(client.ListRoles(ctx, &sdk.ListRolesInput{PathPrefix: aws.String("/\x7f")}))(t).Roles; len(roles) != 0 {
		t.Errorf("listed %v", roles)
	}
	_, err := client.ListRoles(ctx, &sdk.ListRolesInput{Marker: aws.String("not base64!")})
	refused(t, err, "ValidationError")
}

// A trust policy names principals, and means the ones that had these names when it was written.
func TestTrustIsPinned(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	create := func(name, trust string) string {
		t.Helper()
		return *must(client.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}))(t).Role.RoleId
	}
	shown := func(name string) string {
		t.Helper()
		r := must(client.GetRole(ctx, &sdk.GetRoleInput{RoleName: &name}))(t).Role
		text, err := url.PathUnescape(*r.AssumeRolePolicyDocument)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	_, err := client.CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("target"), AssumeRolePolicyDocument: aws.String(trusting(roleARN("caller"))),
	})
	if got, want := refused(t, err, "MalformedPolicyDocument"), `Invalid principal in policy: "AWS":"`+roleARN("caller")+`"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	first := create("caller", trusting(string(mine)))
	create("target", trusting(roleARN("caller")))
	if got := shown("target"); got != trusting(roleARN("caller")) {
		t.Errorf("shown as %s", got)
	}
	role, _ := a.store.Roles.Get("111122223333/target")
	if diff := cmp.Diff(map[string]string{roleARN("caller"): first}, role.TrustPins); diff != "" {
		t.Errorf("pins (-want +got):\n%s", diff)
	}

	must(client.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: aws.String("caller")}))(t)
	second := create("caller", trusting(string(mine)))
	if got := shown("target"); got != trusting(first) || first == second {
		t.Errorf("a namesake made later is shown as trusted: %s", got)
	}
	// What is shown of a deleted principal cannot be written back, as on AWS.
	_, err = client.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("target"), PolicyDocument: aws.String(shown("target")),
	})
	refused(t, err, "MalformedPolicyDocument")
	must(client.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("target"), PolicyDocument: aws.String(trusting(roleARN("caller"))),
	}))(t)
	role, _ = a.store.Roles.Get("111122223333/target")
	if diff := cmp.Diff(map[string]string{roleARN("caller"): second}, role.TrustPins); diff != "" {
		t.Errorf("pins (-want +got):\n%s", diff)
	}

	// A renamed user stays the same user.
	must(client.CreateUser(ctx, &sdk.CreateUserInput{UserName: aws.String("ann")}))(t)
	create("users", trusting("arn:aws:iam::111122223333:user/ann"))
	must(client.UpdateUser(ctx, &sdk.UpdateUserInput{UserName: aws.String("ann"), NewUserName: aws.String("anna"), NewPath: aws.String("/x/")}))(t)
	if got := shown("users"); got != trusting("arn:aws:iam::111122223333:user/x/anna") {
		t.Errorf("after the user was renamed the trust policy is shown as %s", got)
	}
}

func TestTrustPrincipals(t *testing.T) {
	a := start(t)
	must(a.client(a.other).CreateRole(t.Context(), &sdk.CreateRoleInput{
		RoleName: aws.String("remote"), Path: aws.String("/p/"), AssumeRolePolicyDocument: aws.String(trusting("*")),
	}))(t)
	for principal, ok := range map[string]bool{
		`{"AWS":"*"}`:            true,
		`"*"`:                    true,
		`{"AWS":"444455556666"}`: true,
		`{"AWS":"arn:aws:iam::444455556666:root"}`:                             true,
		`{"AWS":"arn:aws:iam::999999999999:role/any"}`:                         true, // not hosted here: only AWS could know
		`{"AWS":"arn:aws:iam::444455556666:role/p/remote"}`:                    true,
		`{"AWS":"arn:aws:iam::444455556666:role/remote"}`:                      false, // its path is missing
		`{"AWS":"arn:aws:iam::444455556666:role/p/REMOTE"}`:                    false,
		`{"AWS":"arn:aws:iam::444455556666:role/*"}`:                           false,
		`{"AWS":"arn:aws:iam::444455556666:user/nobody"}`:                      false,
		`{"AWS":"arn:aws:iam::444455556666:user/admin"}`:                       true,
		`{"AWS":"arn:aws-cn:iam::444455556666:user/admin"}`:                    false,
		`{"AWS":"arn:aws:sts::444455556666:assumed-role/remote/session"}`:      true,
		`{"AWS":"AROAQAAAAAAAEXAMPLE01"}`:                                      false,
		`{"AWS":"12345"}`:                                                      false,
		`{"Federated":"arn:aws:iam::111122223333:oidc-provider/o.example/x"}`:  true,
		`{"Federated":"arn:aws:iam::111122223333:user/x"}`:                     false,
		`{"Service":"pods.eks.amazonaws.com"}`:                                 true,
		`{"Service":["pods.eks.amazonaws.com","ec2.amazonaws.com"],"AWS":"*"}`: true,
		`{"Service":"*"}`: false,
		`{"CanonicalUser":"` + strings.Repeat("0f", 32) + `"}`: false,
		`{"Unknown":"x"}`: false,
	} {
		document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`
		got := a.call(t, a.admin, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+document)
		if (got.status == 200) != ok {
			t.Errorf("%s: %d %s", principal, got.status, got.body)
		}
		if code, message := got.failure(); !ok && code != "MalformedPolicyDocument" {
			t.Errorf("%s: %s %s", principal, code, message)
		}
		if ok {
			a.call(t, a.admin, "DeleteRole", "RoleName=r")
		}
	}
}

func TestRoleBoundaryAndTags(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	bound := must(client.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("bound"), PolicyDocument: aws.String(allowing("s3:*"))}))(t).Policy.Arn
	must(client.CreateRole(ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trusting("*")), PermissionsBoundary: bound,
	}))(t)
	got := must(client.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("r")}))(t).Role
	if got.PermissionsBoundary == nil || *got.PermissionsBoundary.PermissionsBoundaryArn != *bound {
		t.Errorf("boundary %+v", got.PermissionsBoundary)
	}
	used := must(client.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: bound}))(t).Policy
	if *used.PermissionsBoundaryUsageCount != 1 || *used.AttachmentCount != 0 {
		t.Errorf("usage %d, attachments %d", *used.PermissionsBoundaryUsageCount, *used.AttachmentCount)
	}
	_, err := client.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: bound})
	refused(t, err, "DeleteConflict")
	must(client.DeleteRolePermissionsBoundary(ctx, &sdk.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("r")}))(t)
	must(client.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: bound}))(t)

	tag := func(key, value string) error {
		_, err := client.TagRole(ctx, &sdk.TagRoleInput{RoleName: aws.String("r"), Tags: []types.Tag{{Key: &key, Value: &value}}})
		return err
	}
	for i := range 50 {
		if err := tag(fmt.Sprint("k", i), "v"); err != nil {
			t.Fatal(err)
		}
	}
	if err := tag("K7", "new"); err != nil {
		t.Errorf("overwriting a tag of a full set, in another case: %v", err)
	}
	refused(t, tag("one more", "v"), "LimitExceeded")
	refused(t, tag("aws:x", "v"), "InvalidInput")
	must(client.UntagRole(ctx, &sdk.UntagRoleInput{RoleName: aws.String("r"), TagKeys: []string{"K0", "absent"}}))(t)
	var keys []string
	lister := sdk.NewListRoleTagsPaginator(client, &sdk.ListRoleTagsInput{RoleName: aws.String("r"), MaxItems: aws.Int32(20)})
	for lister.HasMorePages() {
		for _, tag := range must(lister.NextPage(ctx))(t).Tags {
			keys = append(keys, *tag.Key)
		}
	}
	if len(keys) != 49 || slices.Contains(keys, "k0") || slices.Contains(keys, "k7") || !slices.Contains(keys, "K7") {
		t.Errorf("%d tags: %v", len(keys), keys)
	}
}
