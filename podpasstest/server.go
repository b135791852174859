package podpasstest

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/store"
)

// What every authority started here has.
const (
	Account = identity.Account("111122223333")
	Region  = "us-west-2"
	Cluster = "local" // hosted: its tokens are this authority's own
)

// Server is a running authority. It ends with its test.
type Server struct {
	URL    string
	Issuer string // of the hosted cluster
	Admin  aws.Credentials

	Handler http.Handler // what is served at URL

	Store *store.Store
	Clock *Clock
	Audit *Recorder
	Logs  *Logs
}

// Option changes what an authority is started with.
type Option func(*server.Config)

// Start starts an authority on a kernel-picked loopback port.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{Clock: &Clock{}, Audit: &Recorder{}, Logs: &Logs{}}
	c := server.Config{
		DataDir:       t.TempDir(),
		Listen:        "127.0.0.1:0",
		Account:       Account,
		Region:        Region,
		HostedCluster: Cluster,
		AllowTokens:   true,
		Audit:         s.Audit,
		Now:           s.Clock.Now,
		Logger:        slog.New(slog.NewJSONHandler(s.Logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, option := range options {
		option(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	authority, err := server.New(ctx, c)
	if err != nil {
		cancel()
		t.Fatalf("starting the authority: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- authority.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the authority ended with: %v", err)
		}
	})
	s.Handler = authority.Handler()
	s.URL, s.Store = authority.URL(), authority.Store()
	installed := authority.Installed()
	s.Admin = aws.Credentials{AccessKeyID: installed.Administrator.AccessKeyID, SecretAccessKey: installed.Administrator.SecretAccessKey}
	s.Issuer = installed.Cluster.Issuer.String()
	return s
}
