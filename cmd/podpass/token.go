package main

import (
	"context"
	"fmt"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/spf13/cobra"
)

type tokenConfig struct {
	workloadConfig
	audience string
	duration lifetime
}

func (a *app) token() *cobra.Command {
	c := &tokenConfig{duration: lifetime(time.Hour)}
	cmd := &cobra.Command{
		Use:   "token [-n NAMESPACE] SERVICEACCOUNT --audience AUDIENCE [flags]",
		Short: "Print a service account's token from a cluster podpass is the issuer of",
		Long: `Print a service account's token, bound to a pod, from a cluster podpass is the issuer of.

The token is alone on standard output. It ends without a newline unless that is a terminal, so that a file it is written to can be used as
AWS_WEB_IDENTITY_TOKEN_FILE: SDKs send the file's content as it is.`,
		Example: `  podpass token -n shop web --audience sts.amazonaws.com
  podpass token -n shop web --audience vault --duration 10m > token`,
		Args: exactly("SERVICEACCOUNT"),
	}
	c.flags(cmd.Flags())
	cmd.Flags().StringVar(&c.audience, "audience", "", "`audience` of the token, such as sts.amazonaws.com (required)")
	cmd.Flags().Var(&c.duration, "duration", "how long it is valid, 10m to 24h")
	return action(a, cmd, func(args []string) []error {
		c.name = args[0]
		problems := append(c.check(), c.duration.check("duration")...)
		if c.audience == "" {
			problems = append(problems, fmt.Errorf("--audience is missing"))
		}
		return problems
	}, func(ctx context.Context, _ []string) error { return a.printToken(ctx, c) })
}

func (a *app) printToken(ctx context.Context, c *tokenConfig) error {
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return err
	}
	out, err := conn.CreateToken(ctx, &api.CreateTokenRequest{
		ServiceAccountName: api.ServiceAccountName{Cluster: c.cluster, Namespace: c.namespace, Name: c.name},
		Audience:           c.audience, DurationSeconds: c.duration.seconds(), PodName: c.podName, PodUID: c.podUID,
	})
	if err != nil {
		return conn.explain(err)
	}
	end := ""
	if terminal(a.Out) {
		end = "\n"
	}
	_, err = fmt.Fprint(a.Out, out.Token, end)
	return err
}
