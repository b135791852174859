package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/podpass/podpass/identity"
)

// Account is one AWS account in one region, or the account of a podpass server, as whoever the credentials belong to. What can be done stands in small
// types, one a need: [Account.Clusters], [Account.Network], [Account.Roles], [Account.Providers], [Account.Associations], [Account.Exchange].
type Account struct {
	ID        identity.Account
	Partition string
	Region    string
	Caller    string // ARN

	given   aws.Config // before the rates
	options Options
	config  aws.Config
	eks     *eks.Client
	iam     *iam.Client
	sts     *sts.Client
	ec2     *ec2.Client
}

// Options say how an account is used. The zero value is for a person at a terminal.
type Options struct {
	Rates  Rates
	Waited func(why string, wait time.Duration) // told of every retry of a throttled or failed call before it is waited for; may be nil
}

// Connect asks STS whose account the configuration's credentials are for: one call.
//
// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func Connect(ctx context.Context, config aws.Config, o Options) (*Account, error) {
	given := config
	config = o.Rates.limit(config, o.Waited)
	a := &Account{
		Region: config.Region, given: given, options: o, config: config,
		eks: eks.NewFromConfig(config), iam: iam.NewFromConfig(config), sts: sts.NewFromConfig(config), ec2: ec2.NewFromConfig(config),
	}
	who, err := a.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fmt.Errorf("whose credentials these are: %w", err)
	}
	arn, err := identity.ParseARN(aws.ToString(who.Arn))
	if err != nil {
		return nil, fmt.Errorf("whose credentials these are: %w", err)
	}
	if a.ID, err = identity.ParseAccount(aws.ToString(who.Account)); err != nil {
		return nil, fmt.Errorf("whose credentials these are: %w", err)
	}
	a.Partition, a.Caller = arn.Partition(), arn.String()
	return a, nil
}

// As is the account that other credentials are for, reached as this one is and with rates of its own.
func (a *Account) As(ctx context.Context, credentials aws.CredentialsProvider) (*Account, error) {
	config := a.given.Copy()
	config.Credentials = credentials
	return Connect(ctx, config, a.options)
}

// Refused reports whether an error is a service's refusal with one of the codes.
func Refused(err error, codes ...string) bool {
	said, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if said.ErrorCode() == code {
			return true
		}
	}
	return false
}

// Denied reports whether an error says that the caller may not.
func Denied(err error) bool {
	return Refused(err, "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess")
}

// Absent reports whether an error says that what was asked for does not exist.
func Absent(err error) bool {
	return Refused(err, "NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException")
}
