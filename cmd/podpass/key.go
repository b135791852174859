package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) key() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "key",
		Short:   "Rotate the keys that seal sessions and sign tokens",
		Example: "  podpass key rotate --sessions",
		RunE:    a.group,
		Args:    cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.keyRotate())
	return cmd
}

func (a *app) keyRotate() *cobra.Command {
	var c struct {
		connectConfig
		sessions bool
		issuer   string
		output   format
	}
	cmd := &cobra.Command{
		Use:   "rotate {--sessions | --issuer CLUSTER} [flags]",
		Short: "Rotate the session keys, or the signing key of a hosted cluster's issuer",
		Long: `Rotate the key that seals session tokens, or the key that signs the tokens of a cluster podpass is the issuer of. Nothing that was issued stops
working: an old key stays until everything it made has expired, and a new signing key is published before it signs.`,
		Example: `  podpass key rotate --sessions
  podpass key rotate --issuer local`,
		Args: exactly(),
	}
	c.flags(cmd.Flags())
	cmd.Flags().BoolVar(&c.sessions, "sessions", false, "rotate the key that seals session tokens")
	cmd.Flags().StringVar(&c.issuer, "issuer", "", "rotate the signing key of this `cluster`'s issuer")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func([]string) []error {
		if c.sessions == (c.issuer != "") {
			return []error{errors.New("give either --sessions or --issuer CLUSTER")}
		}
		return nil
	}, func(ctx context.Context, _ []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		if c.sessions {
			out, err := conn.RotateSessionKeys(ctx)
			if err != nil {
				return conn.explain(err)
			}
			return c.output.print(a.Out, out, nil, [][]string{{"Sessions are sealed with", out.Active}, {"Keys", strings.Join(out.KeyIDs, " ")}})
		}
		out, err := conn.RotateClusterKey(ctx, c.issuer)
		if err != nil {
			return conn.explain(err)
		}
		return c.output.print(a.Out, out, nil, [][]string{{"New key", out.KeyID}, {"Signs from", stamp(out.Signs)}, {"Until then", out.Current}})
	})
}
