package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// STS is a client of any STS: AWS's, MinIO's, another podpass.
type STS struct {
	endpoints   *Endpoints
	credentials aws.CredentialsProvider
	clients     map[Endpoint]*sts.Client
}

// NewSTS makes a client; credentials sign AssumeRole and may be nil where only AssumeRoleWithWebIdentity is asked. Nothing of the process's
// environment redirects it, and the SDK tries once: what to do about a failure is Endpoints' to say.
func NewSTS(endpoints *Endpoints, credentials aws.CredentialsProvider, client *http.Client) *STS {
	s := &STS{endpoints, credentials, make(map[Endpoint]*sts.Client, len(endpoints.list))}
	for _, e := range endpoints.list {
		s.clients[e] = sts.New(sts.Options{
			BaseEndpoint: aws.String(e.URL), Region: e.Region, HTTPClient: client, Retryer: aws.NopRetryer{}, Credentials: aws.AnonymousCredentials{},
		})
	}
	return s
}

// AssumeRoleWithWebIdentity is unsigned: the token is what counts. Errors are as those of EKSAuth.AssumeRoleForPodIdentity.
func (s *STS) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput) (*Assumed, error) {
	return s.do(ctx, []string{aws.ToString(in.WebIdentityToken)}, func(ctx context.Context, client *sts.Client) (*types.Credentials, *types.AssumedRoleUser, error) {
		out, err := client.AssumeRoleWithWebIdentity(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Credentials, out.AssumedRoleUser, nil
	})
}

// AssumeRole is signed with the client's credentials.
func (s *STS) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput) (*Assumed, error) {
	if s.credentials == nil {
		return nil, errors.New("no credentials to sign with")
	}
	return s.assumeRoleAs(ctx, s.credentials, in)
}

func (s *STS) assumeRoleAs(ctx context.Context, as aws.CredentialsProvider, in *sts.AssumeRoleInput) (*Assumed, error) {
	signing, err := as.Retrieve(ctx) // once, and before any endpoint is asked
	if err != nil {
		return nil, fmt.Errorf("no credentials to sign with: %w", err)
	}
	sign := func(o *sts.Options) { o.Credentials = credentials.StaticCredentialsProvider{Value: signing} }
	return s.do(ctx, []string{signing.SecretAccessKey, signing.SessionToken}, func(ctx context.Context, client *sts.Client) (*types.Credentials, *types.AssumedRoleUser, error) {
		out, err := client.AssumeRole(ctx, in, sign)
		if err != nil {
			return nil, nil, err
		}
		return out.Credentials, out.AssumedRoleUser, nil
	})
}

type exchange func(context.Context, *sts.Client) (*types.Credentials, *types.AssumedRoleUser, error)

// do asks the endpoints; secrets are what no error may repeat.
func (s *STS) do(ctx context.Context, secrets []string, ask exchange) (*Assumed, error) {
	out := new(Assumed)
	endpoint, err := s.endpoints.Do(ctx, func(ctx context.Context, e Endpoint) error {
		issued, user, err := ask(ctx, s.clients[e])
		if err != nil {
			return stsError(e, err, secrets)
		}
		*out = Assumed{}
		if issued != nil {
			out.Credentials = Credentials{
				AccessKeyID: aws.ToString(issued.AccessKeyId), SecretAccessKey: aws.ToString(issued.SecretAccessKey),
				SessionToken: aws.ToString(issued.SessionToken), Expiration: aws.ToTime(issued.Expiration).UTC(),
			}
		}
		if user != nil { // MinIO leaves it empty
			out.AssumedRoleARN, out.AssumedRoleID = aws.ToString(user.Arn), aws.ToString(user.AssumedRoleId)
		}
		return out.Credentials.check(s.endpoints.now())
	})
	if err != nil {
		return nil, err
	}
	out.Endpoint = endpoint.URL
	return out, nil
}

// stsError tells apart what the SDK wraps alike: an answer, no answer, and a fault of ours.
func stsError(e Endpoint, err error, secrets []string) error {
	var res *awshttp.ResponseError
	if errors.As(err, &res) && res.Response != nil {
		out := &Error{Status: res.HTTPStatusCode(), RequestID: res.ServiceRequestID(), Reason: res.Response.Header.Get(reasonHeader), Endpoint: e.URL}
		var answer smithy.APIError
		if errors.As(err, &answer) && answer.ErrorCode() != unreadable {
			out.Code, out.Message = answer.ErrorCode(), answer.ErrorMessage()
		} else {
			out.Message = "the answer is not STS's"
		}
		return out.clean(secrets...)
	}
	var send *smithyhttp.RequestSendError
	var canceled *smithy.CanceledError
	if errors.As(err, &send) || errors.As(err, &canceled) {
		return NoAnswer(bare(err))
	}
	return err
}

// unreadable is the SDK's code for an error document that has none.
const unreadable = "UnknownError"
