package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
	"github.com/spf13/pflag"
)

// serveConfig is what up and server have in common.
type serveConfig struct {
	dataDir, listen, admin       string
	account, region              string
	tlsCert, tlsKey, publicURL   string
	insecureHTTP, allowDiscovery bool
	trustedProxies               []string
	logFormat, logLevel          string
}

func (c *serveConfig) flags(f *pflag.FlagSet) {
	f.StringVar(&c.listen, "listen", server.DefaultListen, "`host:port` of the services; port 0 lets the system pick one")
	f.StringVar(&c.admin, "admin", "127.0.0.1:0", "`host:port` of health, readiness and metrics")
	f.StringVar(&c.account, "account", string(server.DefaultAccount), "`id` of the first account of an empty data directory")
	f.StringVar(&c.region, "region", server.DefaultRegion, "AWS `region` the authority stands in")
	f.StringVar(&c.tlsCert, "tls-cert", "", "PEM `file` of the certificate to serve HTTPS with")
	f.StringVar(&c.tlsKey, "tls-key", "", "PEM `file` of the certificate's key")
	f.StringVar(&c.publicURL, "public-url", "", "`URL` clients use, where it is not the listener's own")
	f.BoolVar(&c.insecureHTTP, "insecure-http", false, "serve plain HTTP on addresses other than loopback")
	f.BoolVar(&c.allowDiscovery, "allow-discovery", false, "fetch keys of OIDC providers that no registered cluster has")
	f.StringSliceVar(&c.trustedProxies, "trusted-proxies", nil, "`CIDRs` whose X-Forwarded-* headers are believed")
	f.StringVar(&c.logFormat, "log-format", "text", "logs on stderr as `text or json`")
	f.StringVar(&c.logLevel, "log-level", "info", "least `level` logged: debug, info, warn or error")
}

// config is the server's configuration, with what more sets besides, and every mistake in it.
func (c *serveConfig) config(log io.Writer, more func(*server.Config)) (server.Config, []error) {
	var problems []error
	out := server.Config{
		DataDir: c.dataDir, Listen: c.listen, Admin: c.admin, Account: identity.Account(c.account), Region: c.region,
		TLSCert: c.tlsCert, TLSKey: c.tlsKey, PublicURL: c.publicURL, AllowHTTP: c.insecureHTTP, AllowDiscovery: c.allowDiscovery,
	}
	if c.dataDir == "" {
		problems = append(problems, errors.New("--data-dir is missing"))
	} else if dir, err := filepath.Abs(c.dataDir); err == nil {
		out.DataDir = dir
	}
	for _, text := range c.trustedProxies {
		prefix, err := parsePrefix(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("--trusted-proxies: %w", err))
		}
		out.TrustedProxies = append(out.TrustedProxies, prefix)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.logLevel)); err != nil {
		problems = append(problems, fmt.Errorf("--log-level must be debug, info, warn or error, not %q", c.logLevel))
	}
	switch options := (&slog.HandlerOptions{Level: level}); c.logFormat {
	case "text":
		out.Logger = slog.New(slog.NewTextHandler(log, options))
	case "json":
		out.Logger = slog.New(slog.NewJSONHandler(log, options))
	default:
		problems = append(problems, fmt.Errorf("--log-format must be text or json, not %q", c.logFormat))
	}
	more(&out)
	if c.dataDir != "" { // else it is reported already, in the words of the command line
		out, err := out.Complete()
		if err != nil {
			problems = append(problems, err)
		}
		return out, problems
	}
	return out, problems
}

// parsePrefix reads a CIDR, or one address.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR", text)
	}
	return prefix, nil
}

// start runs a server until SIGINT or SIGTERM; a second one ends the process at once. The line ready makes is printed when everything
// answers and D/env is in place.
func (a *app) start(ctx context.Context, c server.Config, ready func(s *server.Server, envFile string) string) error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return explainStart(err, c)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal does what it does to any process
	s, err := server.New(ctx, c)
	if err != nil {
		return explainStart(err, c)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	if answers(ctx, s.AdminURL()) == nil {
		envFile := filepath.Join(c.DataDir, "env")
		if err = a.leaveEnvFile(ctx, envFile, s, c); err == nil {
			_, err = fmt.Fprintln(a.Out, ready(s, envFile))
		}
		if err != nil {
			stop()
		}
	}
	return explainStart(errors.Join(err, <-ended), c)
}

// leaveEnvFile writes D/env for this start: the address, and the administrator's key that was made by it, stands in the file already, or
// is made anew because the file was lost. A server on an external etcd makes none anew: its other replicas' files hold the key.
func (a *app) leaveEnvFile(ctx context.Context, path string, s *server.Server, c server.Config) error {
	url := s.URL()
	if base := s.Installed().IssuerBase; base != url && c.HostedCluster != "" {
		c.Logger.Info("tokens keep the issuer of the first start", "issuer", base, "listening", url)
	}
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
		return nil
	default:
		if key, err = newAdministratorKey(ctx, s, c); err != nil {
			return err
		}
	}
	return replaceFile(path, append(administratorEnv(url, c.Region, key), setting{"PODPASS_ADMIN_URL", s.AdminURL()}).marshal())
}

// newAdministratorKey is for whoever may write the data directory, and so owns everything in it.
func newAdministratorKey(ctx context.Context, s *server.Server, c server.Config) (key api.AccessKey, err error) {
	env := iam.Env{Store: s.Store(), Now: c.Now, Random: c.Random}
	err = s.Store().Transact(ctx, func(tx *store.Tx) error {
		user, made, err := env.PutAdministrator(tx, s.Installed().Management, identity.PartitionOf(c.Region).ID)
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

// explainStart turns what keeps a server from starting into a line and a way out.
func explainStart(err error, c server.Config) error {
	if err == nil {
		return nil
	}
	dir, elsewhere := c.DataDir, "podpass up --data-dir DIRECTORY"
	var version *store.VersionError
	var network *net.OpError
	switch {
	case errors.Is(err, store.ErrLocked):
		return failed(elsewhere+"   # or use the one that runs: . "+shellPath(dir)+"/env", "%s is in use by another podpass", dir)
	case errors.As(err, &version):
		return failed(elsewhere, "%w", version)
	case errors.Is(err, store.ErrNoSpace), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return failed("df -h "+shellPath(dir), "no space left for %s: %w", dir, err)
	case errors.As(err, &network) && errors.Is(err, syscall.EADDRINUSE):
		return failed("podpass up --listen 127.0.0.1:0   # or see who has it: ss -ltnp", "%s is in use by another process", network.Addr)
	case errors.As(err, &network) && errors.Is(err, syscall.EADDRNOTAVAIL):
		return failed("ip address", "%s is no address of this machine", network.Addr)
	case errors.As(err, &network):
		return failed("podpass up --listen 127.0.0.1:0", "%w", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return failed(elsewhere+"   # one you may write to", "%w", err)
	}
	return err
}

// shellPath quotes a path where a shell would not take it as it is.
func shellPath(path string) string {
	if path != "" && strings.IndexFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+,:@%", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
