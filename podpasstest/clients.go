package podpasstest

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// Config is an SDK configuration that reaches the authority with the given credentials, nil for none, and tries once.
func (s *Server) Config(provider aws.CredentialsProvider) aws.Config {
	return aws.Config{
		Region: Region, BaseEndpoint: aws.String(s.URL), Credentials: provider,
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// As are credentials for Config: a user's key, or what AssumeRole and its kin answered.
func As(c aws.Credentials) aws.CredentialsProvider {
	return credentials.StaticCredentialsProvider{Value: c}
}

// Issued makes an answer's credentials the SDK's own.
func Issued(c *types.Credentials) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken),
	}
}

// STS is a client with the given credentials; the zero value makes one for unsigned calls.
func (s *Server) STS(c aws.Credentials) *sts.Client {
	if c.AccessKeyID == "" {
		return sts.NewFromConfig(s.Config(aws.AnonymousCredentials{}))
	}
	return sts.NewFromConfig(s.Config(As(c)))
}

// IAM is a client with the given credentials, the administrator's where they are the zero value.
func (s *Server) IAM(c aws.Credentials) *iam.Client {
	if c.AccessKeyID == "" {
		c = s.Admin
	}
	return iam.NewFromConfig(s.Config(As(c)))
}

// WebIdentity is an STS client as a pod has it: its credentials come from exchanging the token for the named role of [Account].
func (s *Server) WebIdentity(t testing.TB, role, token string) *sts.Client {
	t.Helper()
	provider := stscreds.NewWebIdentityRoleProvider(s.STS(aws.Credentials{}), RoleARN(role), raw(token))
	if _, err := provider.Retrieve(context.Background()); err != nil {
		t.Fatalf("exchanging the token for role %s: %v", role, err)
	}
	return sts.NewFromConfig(s.Config(aws.NewCredentialsCache(provider)))
}

// raw is a token that the SDK would read from a file.
type raw string

// GetIdentityToken makes raw an stscreds.IdentityTokenRetriever.
func (r raw) GetIdentityToken() ([]byte, error) { return []byte(r), nil }
