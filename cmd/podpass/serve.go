package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server"
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
	f.StringVar(&c.account, "account", "", "`id` of the first account, fixed at the first start (default "+string(server.DefaultAccount)+")")
	f.StringVar(&c.region, "region", "", "AWS `region` the authority stands in, fixed at the first start (default "+server.DefaultRegion+")")
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

// upstreamRoots lets the server trust upstream STS by the certificates of AWS_CA_BUNDLE, where that is set.
func (a *app) upstreamRoots(config *server.Config) (mistakes []error) {
	roots, err := a.roots()
	if err != nil {
		return []error{err}
	}
	config.UpstreamRoots = roots
	return nil
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
