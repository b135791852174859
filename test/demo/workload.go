package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// workload is what an application does: it loads the SDK's defaults and calls. Nothing here knows of podpass.
func workload(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	fmt.Println("token file:    ", os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"))
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("%s: %s", refused.ErrorCode(), refused.ErrorMessage())
	} else if err != nil {
		return err
	}
	fmt.Println("I am:          ", aws.ToString(who.Arn))
	role, err := iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("web")})
	if err != nil {
		return err
	}
	fmt.Println("I may do this: ", "iam:GetRole, created", role.Role.CreateDate.Format("2006-01-02 15:04:05"))
	_, err = iam.NewFromConfig(cfg).ListUsers(ctx, nil)
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("iam:ListUsers should have been refused: %w", err)
	}
	fmt.Println("But not this:  ", "iam:ListUsers,", refused.ErrorCode())
	return nil
}
