package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestUserLifecycle(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	u := must(client.CreateUser(ctx, &sdk.CreateUserInput{UserName: aws.String("ann"), Path: aws.String("/ops/")}))(t).User
	if *u.Arn != "arn:aws:iam::111122223333:user/ops/ann" || (*u.UserId)[:4] != "AIDA" {
		t.Errorf("%+v", u)
	}
	must(client.PutUserPolicy(ctx, &sdk.PutUserPolicyInput{
		UserName: aws.String("ann"), PolicyName: aws.String("self"), PolicyDocument: aws.String(allowing("iam:*")),
	}))(t)
	key := must(client.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{UserName: aws.String("ann")}))(t).AccessKey
	if len(*key.AccessKeyId) != 20 || (*key.AccessKeyId)[:4] != "AKIA" || len(*key.SecretAccessKey) != 40 {
		t.Errorf("%+v", key)
	}

	ann := a.client(aws.Credentials{AccessKeyID: *key.AccessKeyId, SecretAccessKey: *key.SecretAccessKey})
	if me := must(ann.GetUser(ctx, nil))(t).User; *me.UserName != "ann" {
		t.Errorf("without a name GetUser shows %s", *me.UserName)
	}
	second := must(ann.CreateAccessKey(ctx, nil))(t).AccessKey
	_, err := ann.CreateAccessKey(ctx, nil)
	if got := refused(t, err, "LimitExceeded"); got != "Cannot exceed quota for AccessKeysPerUser: 2" {
		t.Error(got)
	}
	must(ann.UpdateAccessKey(ctx, &sdk.UpdateAccessKeyInput{AccessKeyId: second.AccessKeyId, Status: types.StatusTypeInactive}))(t)
	inactive := a.client(aws.Credentials{AccessKeyID: *second.AccessKeyId, SecretAccessKey: *second.SecretAccessKey})
	_, err = inactive.GetUser(ctx, nil)
	refused(t, err, "InvalidClientTokenId")

	must(ann.UpdateUser(ctx, &sdk.UpdateUserInput{UserName: aws.String("ann"), NewUserName: aws.String("Ann")}))(t)
	must(ann.UpdateUser(ctx, &sdk.UpdateUserInput{UserName: aws.String("ann"), NewUserName: aws.String("bea")}))(t)
	list := must(ann.ListAccessKeys(ctx, nil))(t).AccessKeyMetadata
	if len(list) != 2 || *list[0].UserName != "bea" {
		t.Errorf("after the user was renamed its keys are %+v", list)
	}
	used := must(ann.GetAccessKeyLastUsed(ctx, &sdk.GetAccessKeyLastUsedInput{AccessKeyId: key.AccessKeyId}))(t)
	if *used.UserName != "bea" || *used.AccessKeyLastUsed.ServiceName != "N/A" {
		t.Errorf("%+v", used)
	}
	_, err = ann.UpdateUser(ctx, &sdk.UpdateUserInput{UserName: aws.String("bea"), NewUserName: aws.String("ADMIN")})
	refused(t, err, "EntityAlreadyExists")

	remove := func() error {
		_, err := client.DeleteUser(ctx, &sdk.DeleteUserInput{UserName: aws.String("bea")})
		return err
	}
	refused(t, remove(), "DeleteConflict")
	must(client.DeleteUserPolicy(ctx, &sdk.DeleteUserPolicyInput{UserName: aws.String("bea"), PolicyName: aws.String("self")}))(t)
	if got := refused(t, remove(), "DeleteConflict"); got != "Cannot delete entity, must delete access keys first." {
		t.Error(got)
	}
	for _, id := range []*string{key.AccessKeyId, second.AccessKeyId} {
		must(client.DeleteAccessKey(ctx, &sdk.DeleteAccessKeyInput{UserName: aws.String("bea"), AccessKeyId: id}))(t)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	_, err = ann.GetUser(ctx, nil)
	refused(t, err, "InvalidClientTokenId")
	_, err = client.GetUser(ctx, &sdk.GetUserInput{UserName: aws.String("bea")})
	if got := refused(t, err, "NoSuchEntity"); got != "The user with name bea cannot be found." {
		t.Error(got)
	}
}

// An access key is changed only through the user it belongs to.
func TestAccessKeyOfAnotherUser(t *testing.T) {
	a := start(t)
	ann := a.user(t, "ann", allowing("iam:*"))
	a.user(t, "bea", allowing("iam:*"))
	for _, keyID := range []string{ann.AccessKeyID, a.other.AccessKeyID, "AKIAQQQQQQQQQQQQQQQQ"} {
		code, message := a.call(t, a.admin, "DeleteAccessKey", "UserName=bea", "AccessKeyId="+keyID).failure()
		if code != "NoSuchEntity" || message != "The Access Key with id "+keyID+" cannot be found." {
			t.Errorf("%s: %s %s", keyID, code, message)
		}
	}
	if code, _ := a.call(t, a.admin, "GetAccessKeyLastUsed", "AccessKeyId="+a.other.AccessKeyID).failure(); code != "NoSuchEntity" {
		t.Errorf("another account's key: %s", code)
	}
}

func TestListUsersAndGroups(t *testing.T) {
	a := start(t)
	a.user(t, "ann", allowing("iam:*"))
	client, ctx := a.client(a.admin), t.Context()
	users := must(client.ListUsers(ctx, nil))(t).Users
	if len(users) != 2 || *users[0].UserName != "admin" || *users[1].UserName != "ann" {
		t.Errorf("%+v", users)
	}
	if groups := must(client.ListGroupsForUser(ctx, &sdk.ListGroupsForUserInput{UserName: aws.String("ann")}))(t).Groups; len(groups) != 0 {
		t.Errorf("%+v", groups)
	}
	summary := must(client.GetAccountSummary(ctx, nil))(t).SummaryMap
	if summary["Users"] != 2 || summary["PolicySizeQuota"] != 6144 {
		t.Errorf("%v", summary)
	}
}
