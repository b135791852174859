package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
)

// gcPercent and ballast say how far the heap may grow before it is collected. Ballast is memory that is never touched, and so costs none, but counts as
// live: without it a small installation is collected ten times a second, and a percentage large enough for that would let a large one take twice
// its state. GOGC overrules the percentage.
const (
	gcPercent = 125
	ballast   = 32 << 20
)

// start runs a server, and what with starts beside it, until SIGINT or SIGTERM; a second one ends the process at once. The line ready makes is
// printed when everything answers and D/env is in place.
func (a *app) start(ctx context.Context, c *serveConfig, config server.Config, with companion, ready func(s *server.Server) string) error {
	if a.env.get("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	untouched := make([]byte, ballast)
	defer runtime.KeepAlive(untouched)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		stop() // the second signal does what it does to any process
		config.Logger.Info("stopping when the requests under way are answered; interrupt again to stop at once")
	})
	s, err := server.New(ctx, config)
	if err != nil && ctx.Err() != nil {
		return failed("podpass up   # again: nothing is half done", "stopped before it was ready")
	}
	if err != nil {
		return explainStart(err, config)
	}
	life, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() {
		err := s.Run(ctx)
		end() // whoever waits for something beside a server that is no more need not
		ended <- err
	}()
	var company sync.WaitGroup
	if answers(ctx, s.AdminURL()) == nil {
		var more *beside
		if more, err = with(life, s, config); err == nil {
			company.Go(func() { more.outlive(life, config.Logger) })
			err = a.announce(ctx, c, config, s, more, ready)
		}
		if err != nil {
			stop()
		}
	}
	err = errors.Join(err, <-ended)
	end()
	company.Wait()
	return explainStart(err, config)
}

// announce says that the server answers: in D/env, then on standard output.
func (a *app) announce(
	ctx context.Context, c *serveConfig, config server.Config, s *server.Server, more *beside, ready func(*server.Server) string,
) error {
	installed := s.Installed()
	if c.region != "" && c.region != installed.Region || c.account != "" && c.account != string(installed.Management) {
		return failed("podpass up --data-dir DIRECTORY --account "+string(config.Account)+" --region "+config.Region,
			"%s was set up with account %s and region %s, which stay", config.DataDir, installed.Management, installed.Region)
	}
	if base := installed.IssuerBase; base != s.URL() && config.HostedCluster != "" {
		config.Logger.Info("tokens keep the issuer of the first start", "issuer", base, "listening", s.URL())
	}
	line := ready(s)
	if more.keyIn != "" {
		line += "  secret " + more.keyIn
	} else {
		path := filepath.Join(config.DataDir, "env")
		written, err := leaveEnvFile(ctx, path, s, config, more.env)
		if err != nil {
			return err
		}
		if written {
			line += "  env " + shellPath(path)
		}
	}
	_, err := fmt.Fprintln(a.Out, line)
	return err
}

// leaveEnvFile writes D/env for this start: the address, what more there is to know, and the administrator's key that was made by it, stands
// in the file already, or is made anew because the file was lost. A server on an external etcd makes none anew: its other replicas' files hold the key.
func leaveEnvFile(ctx context.Context, path string, s *server.Server, c server.Config, more envFile) (written bool, err error) {
	old, err := readEnvFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Logger.Warn("the env file is replaced", "error", err)
	}
	key := api.AccessKey{AccessKeyID: old.get("AWS_ACCESS_KEY_ID"), SecretAccessKey: old.get("AWS_SECRET_ACCESS_KEY")}
	stored, ok := s.Store().AccessKeys.Get(key.AccessKeyID)
	switch known := ok && stored.Active && stored.Secret == key.SecretAccessKey; {
	case s.Installed().Administrator != nil:
		key = *s.Installed().Administrator
	case known:
	case len(c.EtcdEndpoints) > 0:
		return false, nil
	default:
		if key, err = newAdministratorKey(ctx, s, c); err != nil {
			return false, err
		}
	}
	file := append(administratorEnv(s.URL(), s.Installed().Region, key), setting{"PODPASS_ADMIN_URL", s.AdminURL()})
	return true, replaceFile(path, append(file, more...).marshal())
}

// newAdministratorKey is for whoever may write the data directory, and so owns everything in it.
func newAdministratorKey(ctx context.Context, s *server.Server, c server.Config) (key api.AccessKey, err error) {
	env := iam.Env{Store: s.Store(), Now: c.Now, Random: c.Random}
	err = s.Store().Transact(ctx, func(tx *store.Tx) error {
		user, made, err := env.PutAdministrator(tx, s.Installed().Management, identity.PartitionOf(s.Installed().Region).ID)
		if err == nil {
			key = api.AccessKey{User: user.ARN().String(), AccessKeyID: made.ID, SecretAccessKey: made.Secret}
		}
		return err
	})
	return key, err
}

// answers returns once the server, whose ports are bound, serves them.
func answers(ctx context.Context, adminURL string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, adminURL+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
