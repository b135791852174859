package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/upstream"
)

// ownCredentials are what the agent signs with: what the SDKs find, but for a web identity in front of podpass servers. The SDK would exchange
// that at AWS, or at the one endpoint AWS_ENDPOINT_URL_STS names; it is for the servers, any of which may be the one that answers.
func (c *agentConfig) ownCredentials(a *app, region string, servers *upstream.Endpoints, client *http.Client) aws.CredentialsProvider {
	role, file := a.env.get("AWS_ROLE_ARN"), a.env.get("AWS_WEB_IDENTITY_TOKEN_FILE")
	ours := role != "" && file != "" && servers != nil
	for _, before := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"} {
		ours = ours && a.env.get(before) == ""
	}
	switch {
	case ours:
		web := &webIdentity{upstream.NewSTS(servers, nil, client), role, file, cmp.Or(a.env.get("AWS_ROLE_SESSION_NAME"), "podpass-agent")}
		return aws.NewCredentialsCache(web, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 5 * time.Minute })
	case c.rotate:
		return rereadCredentials(region)
	}
	return upstream.OwnCredentials(region)
}

// webIdentity is the role of the agent's own service account.
type webIdentity struct {
	sts                 *upstream.STS
	role, file, session string
}

// Retrieve reads the token anew, for kubelet replaces it. No error of it wraps what the STS answered: that is about the agent, and must not be
// taken for a word about the pod whose credentials are being asked for.
func (w *webIdentity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	token, err := readCapped(w.file, 64<<10)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("AWS_WEB_IDENTITY_TOKEN_FILE: %w", err)
	}
	out, err := w.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &w.role, RoleSessionName: &w.session, WebIdentityToken: aws.String(string(token)),
	})
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("the agent's own role %s: %v", w.role, err)
	}
	c := out.Credentials
	return aws.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, CanExpire: true, Expires: c.Expiration, Source: "WebIdentity",
	}, nil
}

// rereadEvery is how old credentials may be that something else writes to a file, as on EKS hybrid nodes.
const rereadEvery = time.Minute

// rereadCredentials is the SDKs' chain, gone through again every minute, for credentials that say of themselves they never expire.
func rereadCredentials(region string) aws.CredentialsProvider {
	return aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		got, err := upstream.OwnCredentials(region).Retrieve(ctx)
		if soon := time.Now().Add(rereadEvery); err == nil && (!got.CanExpire || got.Expires.After(soon)) {
			got.CanExpire, got.Expires = true, soon
		}
		return got, err
	}))
}
