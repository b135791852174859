package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/uuid"

	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/server/control"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/upstream"
)

// companion starts what runs in a server's process besides it, once the server answers. It ends with the context.
type companion func(ctx context.Context, s *server.Server, config server.Config) (*beside, error)

// beside is what a companion has started.
type beside struct {
	env   envFile      // what D/env tells of it
	keyIn string       // the Secret that has the administrator's key instead of D/env; "" for D/env
	wait  func() error // until it has ended; nil where nothing was started
	lost  string       // what is logged when it has ended before its time
}

// outlive waits for its end. That it fails is no reason to end the server, but to be told.
func (b *beside) outlive(ctx context.Context, log *slog.Logger) {
	if b.wait == nil {
		return
	}
	if err := b.wait(); ctx.Err() == nil {
		log.Error(b.lost, "error", err)
	}
}

// upAgent is the agent of podpass up: on a port of loopback, in front of the server of this process, which it reaches by its URL as any agent
// does. Its identity is the cluster's agent role, got at STS with a token of the hosted cluster: it may do no more than an agent in a real one.
func (a *app) upAgent(ctx context.Context, s *server.Server, config server.Config) (*beside, error) {
	roots, err := a.serverRoots(config.TLSCert)
	if err != nil {
		return nil, err
	}
	uid, err := uuid.NewRandomFromReader(config.Random)
	if err != nil {
		return nil, err
	}
	who := control.AgentIdentity{
		Env: iam.Env{Store: s.Store(), Now: config.Now, Random: config.Random}, Cluster: config.HostedCluster, PodName: "podpass-up", PodUID: uid.String(),
	}
	role, err := who.Role()
	if err != nil {
		return nil, err
	}
	endpoint := s.URL()
	exchange := sts.New(sts.Options{BaseEndpoint: &endpoint, Region: s.Installed().Region, HTTPClient: upstream.NewHTTPClient(roots)})
	provider := stscreds.NewWebIdentityRoleProvider(exchange, role.String(), freshToken(who.Token), func(o *stscreds.WebIdentityRoleOptions) {
		o.RoleSessionName = who.PodName
	})
	url, wait, err := a.loopbackAgent(ctx, loopbackConfig{
		Cluster: config.HostedCluster, Endpoint: endpoint, Region: s.Installed().Region, Credentials: aws.NewCredentialsCache(provider), Roots: roots,
		Logger: config.Logger.With("part", "agent"),
	})
	if err != nil {
		return nil, err
	}
	return &beside{
		env: envFile{{"PODPASS_AGENT_URL", url}, {"PODPASS_AGENT_CLUSTER", config.HostedCluster}}, wait: wait,
		lost: "the agent has ended; the server goes on without it, and podpass run starts an agent of its own",
	}, nil
}

// freshToken is a token that is issued when it is asked for.
type freshToken func() (string, error)

// GetIdentityToken is what stscreds calls before each exchange.
func (f freshToken) GetIdentityToken() ([]byte, error) {
	text, err := f()
	return []byte(text), err
}
