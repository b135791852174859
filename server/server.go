package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/server/control"
	"github.com/podpass/podpass/server/eks"
	"github.com/podpass/podpass/server/eksauth"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/server/oidc"
	"github.com/podpass/podpass/server/record"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/server/sts"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/upstream"
)

// recentKeys is how many issued access keys whois answers for from memory.
const recentKeys = 10_000

// shutdown is how long requests under way may take when the server ends. It is more than the 5 s for which net/http waits for the first word on a
// connection that was opened in advance and not used: a client's pool is no reason to end with an error.
const shutdown = 10 * time.Second

// Server is the authority, its ports bound and its state open.
type Server struct {
	config    Config
	store     *store.Store
	audit     audit.Sink
	auditPath string // "" where the events don't go to a file
	listener  net.Listener
	admin     net.Listener
	services  http.Handler
	keys      *keys.Keys
	metrics   *metrics
	rotator   *oidc.Rotator
	installed *control.Installed
	fatal     chan error      // what ends the server from below
	ending    context.Context // done when it ends
	end       context.CancelFunc
	leaving   atomic.Bool // serves on, and says that it isn't ready
}

// New binds the ports, opens the state and, where it is empty, sets it up. The ports come first: a port in use must not leave a new
// data directory behind.
func New(ctx context.Context, c Config) (_ *Server, err error) {
	c, err = c.Complete()
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, fatal: make(chan error, 1)}
	s.ending, s.end = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.listener, err = listen(c); err != nil {
		return nil, err
	}
	if s.admin, err = net.Listen("tcp", c.Admin); err != nil {
		return nil, err
	}
	if s.store, err = openStore(ctx, c, s.fatal); err != nil {
		return nil, err
	}
	if err = s.openAudit(); err != nil {
		return nil, err
	}
	s.installed, err = control.FirstStart(ctx, s.environment(), control.First{
		Account: c.Account, Region: c.Region, Cluster: c.HostedCluster, IssuerBase: s.URL(),
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the state: %w", err)
	}
	s.mount()
	return s, nil
}

func (s *Server) openAudit() error {
	if s.audit = s.config.Audit; s.audit != nil {
		return nil
	}
	s.auditPath = s.config.AuditFile
	if s.auditPath == "" {
		s.auditPath = filepath.Join(s.config.DataDir, "audit.jsonl")
	}
	file, err := audit.OpenFile(s.auditPath)
	if err != nil {
		return err
	}
	s.audit = file
	return nil
}

func (s *Server) environment() iam.Env {
	return iam.Env{Store: s.store, Now: s.config.Now, Random: s.config.Random}
}

// mount puts the services together: which path and protocol is whose.
func (s *Server) mount() {
	c := s.config
	recent := audit.NewRecent(s.audit, recentKeys, s.auditPath)
	s.metrics = newMetrics(s.store)
	gate := access.New(access.Config{
		Store: s.store, Now: c.Now, TrustedProxies: c.TrustedProxies, Region: s.installed.Region, Managed: iam.Managed,
	})
	requests := record.Config{Gate: gate, Audit: recent, Now: c.Now, Random: c.Random, Logger: c.Logger, Observe: s.metrics.observe}
	query := awsquery.Pipeline(requests)
	s.keys = keys.New(keys.Config{Store: s.store, Now: c.Now, AllowDiscovery: c.AllowDiscovery, OwnCluster: c.ownCluster()})
	s.rotator = &oidc.Rotator{Store: s.store, Now: c.Now, Random: c.Random, Logger: c.Logger}

	documents := oidc.Handler(s.store)
	native := control.New(control.Config{
		Pipeline: restjson.Pipeline(requests), Env: s.environment(), Keys: s.keys, AllowTokens: c.AllowTokens, Recent: recent,
		Ending: s.ending,
	})
	queries := query.Handler(
		sts.New(sts.Config{Store: s.store, Gate: gate, Keys: s.keys, Now: c.Now, Random: c.Random}),
		iam.New(iam.Config{Store: s.store, Gate: gate, Now: c.Now, Random: c.Random}),
	)
	elsewhere := upstream.NewAccounts(upstream.Config{
		Credentials: c.UpstreamCredentials, HTTP: upstream.NewHTTPClient(c.UpstreamRoots), Now: c.Now,
	})
	routes := restjson.Pipeline(requests)
	rest := routes.Handler(
		eks.New(eks.Config{Store: s.store, Gate: gate, Now: c.Now, Random: c.Random}),
		eksauth.New(eksauth.Config{Store: s.store, Gate: gate, Keys: s.keys, Now: c.Now, Random: c.Random, Upstream: elsewhere}),
	)
	// Not an http.ServeMux: it answers an unclean path with a redirect of its own, which no pipeline would have seen or put on record.
	s.services = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/oidc/"):
			documents.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, api.Prefix):
			native.ServeHTTP(w, r)
		case r.URL.Path == "/clusters", strings.HasPrefix(r.URL.Path, "/clusters/"), strings.HasPrefix(r.URL.Path, "/tags/"):
			rest.ServeHTTP(w, r)
		default:
			queries.ServeHTTP(w, r)
		}
	})
}

// Run serves until ctx ends or the state fails, lets requests under way finish, and closes everything.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	services, admin := httpServer(s.services, s.config), httpServer(s.adminHandler(), s.config)
	services.RegisterOnShutdown(s.end) // Shutdown waits for requests, and some of those wait for something to happen
	for server, listener := range map[*http.Server]net.Listener{services: s.listener, admin: s.admin} {
		go func() { cancel(server.Serve(listener)) }()
	}
	go func() { cancel(s.rotator.Run(ctx)) }()
	select {
	case <-ctx.Done():
		s.drain()
	case err := <-s.fatal:
		cancel(err)
	}
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer done()
	err := errors.Join(services.Shutdown(grace), admin.Shutdown(grace))
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, err)
	}
	return err
}

// drain serves on for a while in which whoever sends requests here learns from /readyz to send them elsewhere. Without it a Service of Kubernetes
// goes on sending them to a port that is closed.
func (s *Server) drain() {
	s.leaving.Store(true)
	if s.config.Drain == 0 {
		return
	}
	s.config.Logger.Info("not ready any more; requests are still taken", "for", s.config.Drain)
	select {
	case <-time.After(s.config.Drain):
	case err := <-s.fatal:
		s.config.Logger.Error("the state failed", "error", err)
	}
}

// close is safe on a Server of which only part was made.
func (s *Server) close() {
	s.end()
	for _, l := range []net.Listener{s.listener, s.admin} {
		if l != nil {
			l.Close()
		}
	}
	if s.store != nil {
		s.store.Close()
	}
	if file, ok := s.audit.(*audit.File); ok {
		file.Close()
	}
}

// URL is what clients are told: the public URL, or the listener's.
func (s *Server) URL() string {
	if s.config.PublicURL != "" {
		return s.config.PublicURL
	}
	scheme := "http"
	if s.config.https() {
		scheme = "https"
	}
	return scheme + "://" + s.listener.Addr().String()
}

// AdminURL is where health and metrics are.
func (s *Server) AdminURL() string { return "http://" + s.admin.Addr().String() }

// Installed says what the store holds about its installation, and the first administrator's key if this start made it.
func (s *Server) Installed() *control.Installed { return s.installed }

// Handler is the service port's, for programs that serve it themselves.
func (s *Server) Handler() http.Handler { return s.services }

// Keys finds the keys of issuers, as the services do.
func (s *Server) Keys() *keys.Keys { return s.keys }

// Store is the server's state, for programs it is part of.
func (s *Server) Store() *store.Store { return s.store }

func listen(c Config) (net.Listener, error) {
	if !c.https() {
		return net.Listen("tcp", c.Listen)
	}
	certificate := c.Certificate
	if certificate == nil {
		files, err := newCertificateFiles(c)
		if err != nil {
			return nil, err
		}
		certificate = files.get
	}
	return tls.Listen("tcp", c.Listen, &tls.Config{GetCertificate: certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
}

// httpServer bounds what a client may hold of the server: time and header size. Bodies are bounded by the pipelines.
func httpServer(h http.Handler, c Config) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: nil,
	}
}
