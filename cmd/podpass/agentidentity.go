package main

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/upstream"
)

// ownCredentials are what the agent signs with: what the SDKs find, but for a web identity in front of podpass servers (nil: none are).
func (c *agentConfig) ownCredentials(a *app, region string, servers *upstream.Endpoints, client *http.Client) aws.CredentialsProvider {
	if servers != nil {
		if own := a.ownWebIdentity("agent", servers, client); own != nil {
			return own
		}
	}
	if c.rotate {
		return rereadCredentials(region)
	}
	return upstream.OwnCredentials(region)
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
