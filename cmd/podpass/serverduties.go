package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/incluster"
)

// duties are what the keeper is given. It begins when p.server is set.
func (p *home) duties() (all []incluster.Duty) {
	if p.administrator != "" {
		// Every second it is only seen whether the key is good still, which costs nothing: the Secret follows podpass admin rotate at once.
		all = append(all, incluster.Duty{Name: "administrator", Every: time.Second, Do: func(ctx context.Context) error { return p.secret.Keep(ctx) }})
	}
	if p.register != "" {
		all = append(all, incluster.Duty{Name: "registration", Every: time.Minute, Do: p.registered})
	}
	return all
}

// registered sees to it that the cluster is registered, and notices when its API server gives its tokens another issuer.
func (p *home) registered(ctx context.Context) error {
	if p.certain {
		if same, err := p.server.OwnClusterIs(ctx, p.register, p.tokenReview); same || err != nil {
			return err
		}
	}
	change, cluster, err := p.server.RegisterOwnCluster(ctx, p.register, p.tokenReview)
	if err != nil {
		return err
	}
	if p.certain = true; change != api.Unchanged {
		p.log.Info("registered the cluster this server runs in", "cluster", cluster.Name, "issuer", cluster.Issuer.String(), "change", string(change))
	}
	return nil
}

// ready is what the server asks besides its state.
func (p *home) ready() error {
	var certificate error
	if p.manager != nil {
		if err := p.manager.Ready(); err != nil {
			certificate = fmt.Errorf("certificate: %w", err)
		}
	}
	return errors.Join(certificate, p.keeper.Ready())
}

// start is the companion of podpass server. It returns when everything it was asked for has worked once.
func (p *home) start(ctx context.Context, s *server.Server, config server.Config) (*beside, error) {
	if p.client == nil {
		return &beside{}, nil
	}
	p.server = s
	if p.administrator != "" {
		namespace, name, _ := namespacedName(p.administrator)
		p.secret = &incluster.Administrator{
			Secrets: p.client.CoreV1().Secrets(namespace), Name: name, Env: iam.Env{Store: s.Store(), Now: config.Now, Random: config.Random},
			Account: s.Installed().Management, Region: s.Installed().Region, Cluster: p.register, Log: p.log,
		}
	}
	var running sync.WaitGroup
	running.Go(func() { _ = p.keeper.Run(ctx) }) // nil
	if p.manager != nil {
		running.Go(func() {
			if err := p.manager.Run(ctx); ctx.Err() == nil {
				p.log.Error("the certificate is renewed no more: start the server again", "error", err)
			}
		})
	}
	more := &beside{keyIn: p.administrator, wait: func() error { running.Wait(); return nil }}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for p.ready() != nil {
		select {
		case <-look.C:
		case <-ctx.Done():
			running.Wait()
			return nil, failed("podpass server --help   # what it is told to do in its cluster", "stopped before it was ready: %w", p.ready())
		}
	}
	return more, nil
}
