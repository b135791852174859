package main

import (
	"context"
	"fmt"

	"github.com/podpass/podpass/server"
	"github.com/spf13/cobra"
)

type serverConfig struct {
	serveConfig
	cluster                   string
	tokens                    bool
	etcd                      []string
	etcdCA, etcdCert, etcdKey string
	auditFile                 string
	home                      homeConfig
}

func (a *app) server() *cobra.Command {
	c := &serverConfig{}
	cmd := &cobra.Command{
		Use:   "server [flags]",
		Short: "Serve the authority, on embedded state or an etcd cluster",
		Long: `Serve the authority: STS, IAM, OIDC documents and podpass's own API on one port, health and metrics on another.

State is kept in an embedded etcd below --data-dir, or in the etcd cluster of --etcd-endpoints, which any number of servers share. Plain HTTP
is served on loopback only, unless --insecure-http is given. Tokens are issued only with --hosted-cluster and --allow-tokens.
The first administrator's key is written once, to the file env in the data directory.

In a Kubernetes cluster the server looks after itself, as the service account of its pod: it registers the cluster (--register-cluster), keeps the
administrator's key in a Secret (--administrator-secret) and its own certificate in another (--certificate-secret). /readyz on the admin port says
yes once all of it is done. "podpass install" starts it so.`,
		Example: `  podpass server --data-dir /var/lib/podpass --listen :8443 --tls-cert tls.crt --tls-key tls.key
  podpass server --data-dir /var/lib/podpass --etcd-endpoints https://etcd-0:2379,https://etcd-1:2379 --etcd-ca ca.crt
  podpass server --data-dir /var/lib/podpass --listen :8600 --register-cluster prod --administrator-secret podpass-system/podpass-administrator \
    --certificate-secret podpass-system/podpass-server-certificate --certificate-names podpass-server.podpass-system.svc --ca-configmap podpass-system/podpass-ca`,
		Args: exactly(),
	}
	f := cmd.Flags()
	f.StringVar(&c.dataDir, "data-dir", "", "`directory` of the embedded state, the audit file and the administrator's env file (required)")
	c.flags(f)
	f.StringVar(&c.cluster, "hosted-cluster", "", "`name` of a cluster whose tokens are issued here")
	f.BoolVar(&c.tokens, "allow-tokens", false, "let administrators have tokens of the hosted cluster issued")
	f.StringSliceVar(&c.etcd, "etcd-endpoints", nil, "`URLs` of an etcd cluster, instead of the embedded one")
	f.StringVar(&c.etcdCA, "etcd-ca", "", "PEM `file` of the etcd cluster's CA")
	f.StringVar(&c.etcdCert, "etcd-cert", "", "PEM `file` of the client certificate for etcd")
	f.StringVar(&c.etcdKey, "etcd-key", "", "PEM `file` of its key")
	f.StringVar(&c.auditFile, "audit-file", "", "`file` the audit events are appended to (default: audit.jsonl in the data directory)")
	c.home.flags(f)
	var config server.Config
	var duties *home
	return action(a, cmd, func([]string) (problems []error) {
		var mistakes []error
		config, mistakes = c.config(a.Err, func(config *server.Config) {
			config.HostedCluster, config.AllowTokens, config.AuditFile = c.cluster, c.tokens, c.auditFile
			config.EtcdEndpoints, config.EtcdCA, config.EtcdCert, config.EtcdKey = c.etcd, c.etcdCA, c.etcdCert, c.etcdKey
			var mistakes []error
			duties, mistakes = c.home.plan(config)
			problems = append(problems, mistakes...)
		})
		problems = append(problems, mistakes...)
		problems = append(problems, a.upstreamRoots(&config)...)
		if c.tokens && c.cluster == "" {
			problems = append(problems, fmt.Errorf("--allow-tokens needs --hosted-cluster"))
		}
		return problems
	}, func(ctx context.Context, _ []string) error {
		return a.start(ctx, &c.serveConfig, config, duties.start, func(s *server.Server) string {
			return fmt.Sprintf("ready %s  account %s", s.URL(), s.Installed().Management)
		})
	})
}
