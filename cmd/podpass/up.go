package main

import (
	"context"
	"fmt"

	"github.com/podpass/podpass/server"
	"github.com/spf13/cobra"
)

// defaultCluster is the hosted cluster podpass up starts with.
const defaultCluster = "local"

type upConfig struct {
	serveConfig
	cluster string
}

func (a *app) up() *cobra.Command {
	c := &upConfig{}
	cmd := &cobra.Command{
		Use:   "up [flags]",
		Short: "Start the whole authority on this machine",
		Long: `Start the whole authority on this machine, in the foreground: state, STS, IAM, EKS's associations, EKS Auth, the token issuer of a cluster
named local, and that cluster's agent on a port of loopback.

Once everything answers, one line that begins with "ready" is printed on standard output, and the file env in the data directory holds the
addresses and an administrator's key for any AWS tool: ". ~/.local/state/podpass/env". PODPASS_AGENT_URL in it is where the agent hands
out credentials, as AWS_CONTAINER_CREDENTIALS_FULL_URI. Should the agent fail later, that is logged and the rest goes on: podpass run then
starts an agent of its own. Logs go to standard error. Starting again with the same
data directory keeps everything. The issuer's URL is that of the first start.`,
		Example: `  podpass up
  podpass up --data-dir ./state --listen 127.0.0.1:0
  . ~/.local/state/podpass/env && aws iam list-roles`,
		Args: exactly(),
	}
	f := cmd.Flags()
	f.StringVar(&c.dataDir, "data-dir", a.env.dataDir(), "`directory` of the state")
	c.flags(f)
	f.StringVar(&c.cluster, "cluster", defaultCluster, "`name` of the cluster whose tokens are issued here")
	var config server.Config
	return action(a, cmd, func([]string) (problems []error) {
		config, problems = c.config(a.Err, func(config *server.Config) { config.HostedCluster, config.AllowTokens = c.cluster, true })
		return append(problems, a.upstreamRoots(&config)...)
	}, func(ctx context.Context, _ []string) error {
		return a.start(ctx, &c.serveConfig, config, a.upAgent, func(s *server.Server) string {
			return fmt.Sprintf("ready %s  account %s  cluster %s", s.URL(), s.Installed().Management, c.cluster)
		})
	})
}
