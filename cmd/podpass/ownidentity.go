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

// ownWebIdentity is the role of a part's own service account (an agent's, a webhook's), exchanged at podpass servers; nil where the environment
// names none, or something that the SDKs would prefer. The SDK would exchange it at AWS, or at the one endpoint AWS_ENDPOINT_URL_STS names; it is for the
// servers, any of which may be the one that answers.
func (a *app) ownWebIdentity(part string, servers *upstream.Endpoints, client *http.Client) aws.CredentialsProvider {
	role, file := a.env.get("AWS_ROLE_ARN"), a.env.get("AWS_WEB_IDENTITY_TOKEN_FILE")
	if role == "" || file == "" {
		return nil
	}
	for _, before := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"} {
		if a.env.get(before) != "" {
			return nil
		}
	}
	session := cmp.Or(a.env.get("AWS_ROLE_SESSION_NAME"), "podpass-"+part)
	web := &webIdentity{part, upstream.NewSTS(servers, nil, client), role, file, session}
	return aws.NewCredentialsCache(web, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 5 * time.Minute })
}

// webIdentity is the role of a part's own service account.
type webIdentity struct {
	part                string // "agent", "webhook"
	sts                 *upstream.STS
	role, file, session string
}

// Retrieve reads the token anew, for kubelet replaces it. No error of it wraps what the STS answered: that is about the part itself, and must not be
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
		return aws.Credentials{}, fmt.Errorf("the %s's own role %s: %v", w.part, w.role, err)
	}
	c := out.Credentials
	return aws.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, CanExpire: true, Expires: c.Expiration, Source: "WebIdentity",
	}, nil
}
