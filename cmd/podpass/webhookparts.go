package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/podpass/podpass/webhook"
	"github.com/podpass/podpass/webhook/accounts"
	"github.com/podpass/podpass/webhook/associations"
	"github.com/podpass/podpass/webhook/config"
	"github.com/podpass/podpass/webhook/guard"
)

// webhookParts is all that a webhook is made of. What is nil there is none of.
type webhookParts struct {
	webhook      *webhook.Webhook
	certificates certificates
	version      *versionWatch
	follower     *associations.Follower
	identities   *config.Identities
	mappings     *config.Mappings
	guard        *guard.Guard

	leaving atomic.Bool
	log     func(msg string, args ...any)
	handler slog.Handler
}

// build makes the parts. Nothing runs yet.
func (p *webhookPlan) build() (*webhookParts, error) {
	s := &webhookParts{log: p.log.Warn, handler: p.log.Handler()}
	client, err := kubernetes.NewForConfig(spared(p.kube))
	if err != nil {
		return nil, failed("kubectl cluster-info", "the Kubernetes API server: %w", err)
	}
	reader, err := accounts.New(p.kube, accounts.Options{})
	if err != nil {
		return nil, failed("kubectl cluster-info", "%w", err)
	}
	s.version = &versionWatch{of: discovery.ToServerVersionInterfaceWithContext(client.Discovery()), log: p.log}
	c := webhook.Config{Settings: p.settings, Accounts: reader, Version: s.version.Version, Log: p.log, Registerer: p.registry}
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	s.certificates, err = p.certificates(client)
	note(err)
	if p.credentialsFile != "" { // asked first: it answers at once
		s.identities, err = config.NewIdentities(p.credentialsFile, p.resync, p.log, p.registry)
		note(err)
		c.Associations = append(c.Associations, s.identities)
	}
	if len(p.servers) > 0 {
		s.follower, err = associations.New(associations.Config{
			Servers: p.servers, Cluster: p.cluster, Member: p.member, Jitter: rand.N[time.Duration], Log: p.log, Registry: p.registry,
		})
		note(err)
		c.Associations = append(c.Associations, s.follower)
	}
	if p.watchConfigMap {
		s.mappings, err = config.NewMappings(client, p.namespace, p.resync, p.log, p.registry)
		note(err)
		c.Mappings = s.mappings
	}
	s.webhook, err = webhook.New(c)
	note(err)
	if p.guard {
		s.guard, err = p.newGuard(client, s)
		note(err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, failed("podpass webhook --help", "%w", err)
	}
	return s, nil
}

// newGuard makes the guard, which goes by the same rules and sources as the reviews.
func (p *webhookPlan) newGuard(client kubernetes.Interface, s *webhookParts) (*guard.Guard, error) {
	rules, err := webhook.NewRules(p.settings)
	if err != nil {
		return nil, err
	}
	accounts, err := metadata.NewForConfig(spared(p.kube))
	if err != nil {
		return nil, err
	}
	c := guard.Config{
		Client: client, Metadata: accounts, Namespace: p.namespace, Identity: p.member, Rules: rules, CopyCA: p.guardCopyCA, Log: p.log, Registerer: p.registry,
	}
	if s.identities != nil {
		c.Associations = append(c.Associations, s.identities)
	}
	if s.follower != nil {
		c.Associations = append(c.Associations, s.follower)
	}
	if s.mappings != nil {
		c.Mappings = s.mappings
	}
	return guard.New(c)
}

// spared is for what is asked beside the reviews: in protobuf, and with limits that a restart does not reach.
func spared(config *rest.Config) *rest.Config {
	out := rest.CopyConfig(config)
	out.QPS, out.Burst = 50, 100
	out.AcceptContentTypes, out.ContentType = "application/vnd.kubernetes.protobuf,application/json", "application/vnd.kubernetes.protobuf"
	return out
}

// start runs what goes on beside serving: until asked the work that others can do, and until the end what answers are made of.
func (s *webhookParts) start(asked, end context.Context, group *sync.WaitGroup) {
	run := func(ctx context.Context, what string, run func(context.Context) error) {
		group.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				s.log(what+" has ended", "error", err)
			}
		})
	}
	run(end, "the certificate's keeping", s.certificates.Run)
	run(end, "the watch of the API server's version", s.version.Run)
	if s.follower != nil {
		run(end, "the watch of associations", s.follower.Run)
	}
	if s.identities != nil {
		group.Go(func() { s.identities.Run(end) })
	}
	if s.mappings != nil {
		group.Go(func() { s.mappings.Run(end) })
	}
	if s.guard != nil {
		run(asked, "the guard", s.runGuard)
	}
}

// runGuard waits until the webhook knows all there is: before that the guard would strike accounts off its lists.
func (s *webhookParts) runGuard(ctx context.Context) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for s.ready() != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
	return s.guard.Run(klog.NewContext(ctx, logr.FromSlogHandler(s.handler))) // what client-go has to say of the lease
}

// ready says what is missing for answers that can be relied on. A server that is lost later is not: a webhook that is taken out of the Service would
// let pods through with nothing said.
func (s *webhookParts) ready() error {
	if s.leaving.Load() {
		return errors.New("this webhook is about to end")
	}
	problems := []error{s.certificates.Ready(), s.version.Ready()}
	if s.follower != nil {
		problems = append(problems, s.follower.Ready())
	}
	if s.identities != nil {
		problems = append(problems, s.identities.Ready())
	}
	if s.mappings != nil {
		problems = append(problems, s.mappings.Ready())
	}
	return errors.Join(problems...)
}

func (s *webhookParts) serveReady(w http.ResponseWriter, _ *http.Request) {
	if err := s.ready(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
