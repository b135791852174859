package main

import (
	"context"
	"strings"

	"github.com/podpass/podpass/api"
	"github.com/spf13/cobra"
)

func (a *app) cluster() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Register Kubernetes clusters, and look after them",
		Example: `  podpass cluster register prod --kubeconfig ~/.kube/config
  podpass cluster list`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.clusterRegister(), a.clusterList(), a.clusterDescribe(), a.clusterDeregister())
	return cmd
}

// clusterConfig is what list, describe and deregister are told.
type clusterConfig struct {
	connectConfig
	output format
}

func (c *clusterConfig) bind(cmd *cobra.Command) {
	c.flags(cmd.Flags())
	outputFlag(cmd, &c.output)
}

func (a *app) clusterList() *cobra.Command {
	c := &clusterConfig{}
	cmd := &cobra.Command{
		Use: "list [flags]", Short: "List the registered clusters", Example: "  podpass cluster list -o json", Args: exactly(),
	}
	c.bind(cmd)
	return action(a, cmd, nil, func(ctx context.Context, _ []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		out, err := conn.ListClusters(ctx)
		if err != nil {
			return conn.explain(err)
		}
		rows := make([][]string, 0, len(out.Clusters))
		for _, cl := range out.Clusters {
			rows = append(rows, []string{cl.Name, cl.Account, cl.Region, cl.KeySource, cl.Issuer})
		}
		return c.output.print(a.Out, out, []string{"NAME", "ACCOUNT", "REGION", "KEYS", "ISSUER"}, rows)
	})
}

func (a *app) clusterDescribe() *cobra.Command {
	c := &clusterConfig{}
	cmd := &cobra.Command{
		Use: "describe NAME [flags]", Short: "Show a cluster, its provider and its roles", Example: "  podpass cluster describe local", Args: exactly("NAME"),
	}
	c.bind(cmd)
	return action(a, cmd, nil, func(ctx context.Context, args []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		out, err := conn.DescribeCluster(ctx, args[0])
		if err != nil {
			return conn.explain(err)
		}
		return c.output.print(a.Out, out, nil, clusterRows(out))
	})
}

func (a *app) clusterDeregister() *cobra.Command {
	c := &clusterConfig{}
	cmd := &cobra.Command{
		Use:   "deregister NAME [flags]",
		Short: "Remove a cluster; its tokens are refused from then on",
		Long: `Remove a cluster with its associations, service accounts, OIDC provider and the two roles that registering made. Its tokens are refused from
then on. Credentials issued before stay valid until they expire.`,
		Example: "  podpass cluster deregister prod",
		Args:    exactly("NAME"),
	}
	c.bind(cmd)
	return action(a, cmd, nil, func(ctx context.Context, args []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		out, err := conn.DeregisterCluster(ctx, args[0])
		if err != nil {
			return conn.explain(err)
		}
		return c.output.print(a.Out, out, nil, [][]string{{"deregistered", out.Name, out.Issuer}})
	})
}

func clusterRows(c *api.Cluster) [][]string {
	review := "no"
	if c.TokenReview {
		review = "each token"
	}
	return [][]string{
		{"Name", c.Name},
		{"ARN", c.ARN},
		{"Issuer", c.Issuer},
		{"Keys", strings.TrimSpace(c.KeySource + " " + strings.Join(c.KeyIDs, " "))},
		{"Token review", review},
		{"Provider", c.Provider},
		{"Agent role", c.AgentRole},
		{"Webhook role", c.WebhookRole},
		{"Created", stamp(c.Created)},
	}
}
