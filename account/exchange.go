package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/upstream"
)

// Exchange turns tokens into credentials, as a pod's SDK or a node's agent does, and says whose they turn out to be. The credentials themselves go
// nowhere.
type Exchange struct{ account *Account }

// Exchange proves what the rest only says.
func (a *Account) Exchange() Exchange { return Exchange{a} }

// sessionName marks the sessions that only prove something, in CloudTrail and the audit file.
const sessionName = "podpass-proof"

// proofSeconds is the shortest session STS gives.
const proofSeconds = 900

// WebIdentity presents a token to STS for a role, unsigned, and asks with the credentials who they are. It returns that ARN.
func (e Exchange) WebIdentity(ctx context.Context, role, token string) (caller string, err error) {
	unsigned := e.account.config.Copy()
	unsigned.Credentials = aws.AnonymousCredentials{}
	out, err := sts.NewFromConfig(unsigned).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &role, RoleSessionName: aws.String(sessionName), WebIdentityToken: &token, DurationSeconds: aws.Int32(proofSeconds),
	})
	if err != nil {
		return "", err
	}
	return e.caller(ctx, aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SecretAccessKey), aws.ToString(out.Credentials.SessionToken))
}

// PodIdentity presents a token to EKS Auth, signed as the account's caller, and asks with the credentials who they are. It returns that ARN.
func (e Exchange) PodIdentity(ctx context.Context, cluster, token string) (caller string, err error) {
	client, err := e.eksAuth()
	if err != nil {
		return "", err
	}
	out, err := client.AssumeRoleForPodIdentity(ctx, cluster, token)
	if err != nil {
		return "", err
	}
	return e.caller(ctx, out.Credentials.AccessKeyID, out.Credentials.SecretAccessKey, out.Credentials.SessionToken)
}

// exchangeBudget bounds one exchange at EKS Auth, which assumes one or two roles for it.
const exchangeBudget = 10 * time.Second

func (e Exchange) eksAuth() (*upstream.EKSAuth, error) {
	config := e.account.config
	address := "https://eks-auth." + config.Region + "." + identity.PartitionOf(config.Region).DualStackSuffix
	if config.BaseEndpoint != nil {
		address = *config.BaseEndpoint
	}
	endpoint, err := upstream.ParseEndpoint(address, config.Region, true) // whoever set it means it, as with any SDK
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport
	if config.HTTPClient != nil {
		transport = doer{config.HTTPClient}
	}
	endpoints := upstream.NewEndpoints([]upstream.Endpoint{endpoint}, upstream.Options{Budget: exchangeBudget})
	return upstream.NewEKSAuth(endpoints, config.Credentials, &http.Client{Transport: transport}), nil
}

// doer is an SDK's HTTP client as a transport.
type doer struct{ aws.HTTPClient }

func (d doer) RoundTrip(r *http.Request) (*http.Response, error) { return d.Do(r) }

func (e Exchange) caller(ctx context.Context, id, secret, token string) (string, error) {
	config := e.account.config.Copy()
	config.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token)
	out, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("credentials were given, and STS does not take them: %w", err)
	}
	return aws.ToString(out.Arn), nil
}

// Refusal is what an exchange was refused with; ok is false where it failed for another reason: nobody answered, or the caller of EKS Auth may not call it.
func Refusal(err error) (code string, ok bool) {
	if said, is := errors.AsType[*upstream.Error](err); is {
		notAllowed := said.Status == http.StatusForbidden || strings.Contains(said.Message, "eks-auth:AssumeRoleForPodIdentity")
		return said.Code, !said.Temporary() && !notAllowed
	}
	for _, code := range []string{"AccessDenied", "InvalidIdentityToken", "ExpiredTokenException", "ValidationError", "PackedPolicyTooLarge", "RegionDisabledException"} {
		if Refused(err, code) {
			return code, true
		}
	}
	return "", false
}
