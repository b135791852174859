package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/upstream"
	"github.com/podpass/podpass/webhook/associations"
)

// longestSnapshot is what is read of the server's answers: every association of a cluster may be in one.
const longestSnapshot = 64 << 20

// reach makes clients of the podpass servers, and reports every mistake. It makes no call.
func (c *webhookConfig) reach(a *app, region string) (servers []associations.Server, problems []error) {
	client, err := c.serverClient(a)
	if err != nil {
		problems = append(problems, err)
	}
	var list []upstream.Endpoint
	for _, text := range c.servers {
		endpoint, err := upstream.ParseEndpoint(text, region, c.insecureHTTP)
		if err != nil {
			problems = append(problems, fmt.Errorf("--server: %w", err))
			continue
		}
		list = append(list, endpoint)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	credentials := a.ownWebIdentity("webhook", upstream.NewEndpoints(list, upstream.Options{}), client)
	if credentials == nil {
		credentials = upstream.OwnCredentials(region)
	}
	for _, endpoint := range list {
		one, err := newReplica(endpoint, credentials, client)
		if err != nil {
			problems = append(problems, fmt.Errorf("--server: %w", err))
		}
		servers = append(servers, one)
	}
	return servers, problems
}

func (c *webhookConfig) serverClient(a *app) (*http.Client, error) {
	if c.serverCA == "" {
		return a.followingClient()
	}
	client, err := upstream.NewHTTPClientFollowing(c.serverCA)
	if err != nil {
		return nil, fmt.Errorf("--server-ca: %w", err)
	}
	return client, nil
}

// replica is one podpass server.
type replica struct {
	*api.Client
	http *http.Client
}

func newReplica(at upstream.Endpoint, credentials aws.CredentialsProvider, client *http.Client) (*replica, error) {
	out, err := api.New(api.Config{Endpoint: at.URL, Region: at.Region, Credentials: credentials, HTTP: upstream.Longer(client, longestSnapshot)})
	return &replica{out, client}, err
}

// WatchAssociations lets go of the connection when there was no answer: a machine that is gone says nothing, and the same connection would be used again.
func (r *replica) WatchAssociations(ctx context.Context, in *api.WatchAssociationsRequest) (*api.WatchAssociationsResult, error) {
	out, err := r.Client.WatchAssociations(ctx, in)
	if err != nil && ctx.Err() != nil {
		r.http.CloseIdleConnections()
	}
	return out, err
}
