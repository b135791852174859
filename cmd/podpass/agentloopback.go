package main

import (
	"context"
	"crypto/x509"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/upstream"
)

// loopbackConfig is an agent of this process, in front of a podpass server.
type loopbackConfig struct {
	Cluster          string
	Endpoint, Region string // of the server
	Credentials      aws.CredentialsProvider
	Roots            *x509.CertPool // that sign its certificate; nil: those of AWS_CA_BUNDLE, else the system's
	Listen           string         // host:port; default 127.0.0.1:0
	Logger           *slog.Logger
}

// loopbackAgent runs an agent until the context is done; wait returns when it has ended. url is for AWS_CONTAINER_CREDENTIALS_FULL_URI, and
// answers when loopbackAgent returns. The server is asked for nothing before a request needs it.
func (a *app) loopbackAgent(ctx context.Context, c loopbackConfig) (url string, wait func() error, err error) {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	roots := c.Roots
	if roots == nil {
		if roots, err = a.roots(); err != nil {
			return "", nil, usage("unset AWS_CA_BUNDLE", "%w", err)
		}
	}
	// What the command line speaks to, its agent does too.
	endpoint, err := upstream.ParseEndpoint(c.Endpoint, c.Region, true)
	if err != nil {
		return "", nil, err
	}
	client := upstream.NewHTTPClient(roots)
	server, err := api.New(api.Config{Endpoint: endpoint.URL, Region: endpoint.Region, Credentials: c.Credentials, HTTP: client})
	if err != nil {
		return "", nil, err
	}
	p := &agentPlan{addresses: []string{c.Listen}, loopback: true, registry: prometheus.NewRegistry(), log: c.Logger}
	p.servers.clients = []*api.Client{server}
	endpoints := upstream.NewEndpoints([]upstream.Endpoint{endpoint}, upstream.Options{})
	p.agent = agent.Config{
		Cluster: c.Cluster, Hosts: hostsOf(p.addresses), Audience: identity.PodIdentity, Logger: c.Logger, Registerer: p.registry,
		Keys:    serverKeys(&p.servers, c.Cluster),
		Backend: agent.EKSAuth(upstream.NewEKSAuth(endpoints, c.Credentials, client), c.Cluster),
		IRSA:    &agent.IRSA{Backend: agent.STS(upstream.NewSTS(endpoints, nil, client), nil)},
	}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		err := p.run(ctx, func(urls []string) error {
			ready <- urls[0]
			return nil
		})
		client.CloseIdleConnections() // a server of this process that ends would wait for one that was opened and never used
		ended <- err
	}()
	select {
	case url := <-ready:
		return url, func() error { return <-ended }, nil
	case err := <-ended:
		return "", nil, err
	}
}
