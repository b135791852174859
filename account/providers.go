package account

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Provider is an IAM OIDC provider.
type Provider struct {
	ARN       string
	Audiences []string // client ids, as IAM calls them
	Tags      map[string]string
}

// Providers are the account's OIDC providers.
type Providers struct{ iam *iam.Client }

// Providers reads and changes OIDC providers.
func (a *Account) Providers() Providers { return Providers{a.iam} }

// Get is one by its ARN, nil where it does not exist.
func (p Providers) Get(ctx context.Context, arn string) (*Provider, error) {
	out, err := p.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
	if Absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, about(err, "OIDC provider %s", arn)
	}
	return &Provider{ARN: arn, Audiences: out.ClientIDList, Tags: tagMap(out.Tags)}, nil
}

// Create makes the provider of an issuer. AWS takes no thumbprint for issuers whose certificate a public CA vouches for, as it does for EKS's.
//
// Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
func (p Providers) Create(ctx context.Context, issuer, audience string, tags map[string]string) error {
	_, err := p.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: &issuer, ClientIDList: []string{audience}, Tags: tagList(tags),
	})
	if Refused(err, "EntityAlreadyExists") {
		return nil // somebody else's, made just now
	}
	return about(err, "OIDC provider of %s", issuer)
}

// AddAudience makes the provider take tokens for one more audience.
func (p Providers) AddAudience(ctx context.Context, arn, audience string) error {
	_, err := p.iam.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn, ClientID: &audience})
	return about(err, "audience %s of OIDC provider %s", audience, arn)
}

// Delete deletes one. That it is gone already is no error.
func (p Providers) Delete(ctx context.Context, arn string) error {
	_, err := p.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
	return about(unlessAbsent(err), "OIDC provider %s", arn)
}
