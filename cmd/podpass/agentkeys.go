package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
	"github.com/podpass/podpass/upstream"
)

// keySource is where the keys come from that a token must be signed with.
func (c *agentConfig) keySource(p *agentPlan, kube *rest.Config, client *http.Client) error {
	from := c.keys
	if from == "auto" {
		switch {
		case len(p.servers.clients) > 0:
			from = "server"
		case kube != nil:
			from = "apiserver"
		default:
			from = "none"
		}
	}
	issuer, discovery := strings.CutPrefix(from, "discovery=")
	switch {
	case from == "none":
		return nil
	case from == "server" && len(p.servers.clients) == 0:
		return errors.New("--keys server needs --server")
	case from == "server":
		p.agent.Keys = serverKeys(&p.servers, c.cluster)
		return nil
	case from == "apiserver" && kube == nil:
		return errors.New("--keys apiserver needs --kubeconfig, or a service account token in the agent's pod")
	case from == "apiserver":
		reading := rest.CopyConfig(kube)
		reading.Timeout = 5 * time.Second
		reader, err := rest.HTTPClientFor(reading)
		if err != nil {
			return fmt.Errorf("--keys apiserver: %w", err)
		}
		p.agent.Keys = token.Refreshing(token.APIServer(reader, kube.Host), time.Now)
		return nil
	case discovery:
		if _, err := identity.ParseIssuer(issuer, identity.IssuerRules{Port: true}); err != nil {
			return fmt.Errorf("--keys: %w", err)
		}
		p.agent.Issuer, p.agent.Keys = issuer, token.Refreshing(token.Discover(client, issuer), time.Now)
		return nil
	}
	text, err := readCapped(from, 1<<20)
	if err != nil {
		return fmt.Errorf("--keys must be auto, server, apiserver, discovery=URL, none or a file: %w", err)
	}
	set, err := token.ParseJWKS(text)
	if err != nil {
		return fmt.Errorf("--keys %s: %w", from, err)
	}
	p.agent.Keys = token.Static(set)
	return nil
}

// serverKeys are those the podpass server knows the cluster by.
func serverKeys(servers *serverList, cluster string) token.Source {
	return token.Refreshing(func(ctx context.Context) (*token.KeySet, error) {
		out, err := servers.keys(ctx, cluster)
		if err != nil {
			return nil, err
		}
		return token.ParseJWKS(out.JWKS)
	}, time.Now)
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
