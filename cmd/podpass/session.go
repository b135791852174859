package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/spf13/cobra"
)

func (a *app) session() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "session",
		Short:   "End sessions before their time",
		Example: "  podpass session revoke --role web",
		RunE:    a.group,
		Args:    cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.sessionRevoke())
	return cmd
}

func (a *app) sessionRevoke() *cobra.Command {
	var c struct {
		connectConfig
		role   string
		output format
	}
	cmd := &cobra.Command{
		Use:   "revoke {ACCESS_KEY_ID | --role NAME} [flags]",
		Short: "Revoke one session, or every session a role has now",
		Long: `Revoke the one session that has an access key id, or every session of a role issued until now. Revoked credentials are refused by every
server from the moment the command returns. The role can be assumed again at once: change its trust policy first to prevent that.`,
		Example: `  podpass session revoke --role web
  podpass session revoke ASIAIOSFODNN7EXAMPLE`,
		Args: cobra.ArbitraryArgs,
	}
	c.flags(cmd.Flags())
	cmd.Flags().StringVar(&c.role, "role", "", "`name` or ARN of the role whose sessions end")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func(args []string) []error {
		switch {
		case len(args) > 1:
			return []error{fmt.Errorf("unexpected argument %q", args[1])}
		case (c.role == "") == (len(args) == 0):
			return []error{errors.New("give either an access key id or --role")}
		case len(args) == 1 && !strings.HasPrefix(args[0], identity.PrefixTemporary):
			return []error{fmt.Errorf("%q is not a session's access key id (%s…)", args[0], identity.PrefixTemporary)}
		}
		return nil
	}, func(ctx context.Context, args []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		in := &api.RevokeRequest{Role: c.role}
		if len(args) == 1 {
			in.AccessKeyID = args[0]
		}
		out, err := conn.Revoke(ctx, in)
		if err != nil {
			return conn.explain(err)
		}
		row := []string{"Revoked sessions of", out.Role, "issued before " + stamp(out.IssuedBefore)}
		if out.SessionID != "" {
			row = []string{"Revoked session", in.AccessKeyID, "of " + out.Role}
		}
		return c.output.print(a.Out, out, nil, [][]string{row})
	})
}
