package main

import (
	"context"
	"strings"

	"github.com/podpass/podpass/api"
	"github.com/spf13/cobra"
)

func (a *app) account() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Create accounts, register those that live elsewhere, and list them",
		Example: `  podpass account create staging
  podpass account create aws-prod --id 444455556666 --upstream web-identity`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.accountCreate(), a.accountList(), a.accountUpdate(), a.accountDelete())
	return cmd
}

func (a *app) accountList() *cobra.Command {
	var c struct {
		connectConfig
		output format
	}
	cmd := &cobra.Command{
		Use: "list [flags]", Short: "List the accounts hosted here and upstream", Example: "  podpass account list -o json", Args: exactly(),
	}
	c.flags(cmd.Flags())
	outputFlag(cmd, &c.output)
	return action(a, cmd, nil, func(ctx context.Context, _ []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		out, err := conn.ListAccounts(ctx)
		if err != nil {
			return conn.explain(err)
		}
		var rows [][]string
		for _, acc := range out.Accounts {
			mode, endpoints := "-", "-"
			if acc.Upstream != nil {
				mode, endpoints = acc.Upstream.Mode, strings.Join(acc.Upstream.Endpoints, " ")
			}
			rows = append(rows, []string{acc.ID, acc.Name, kindOf(&acc), stamp(acc.Created), mode, endpoints})
		}
		return c.output.print(a.Out, out, []string{"ACCOUNT", "NAME", "KIND", "CREATED", "MODE", "ENDPOINTS"}, rows)
	})
}

func kindOf(acc *api.Account) string {
	switch {
	case acc.Upstream != nil:
		return "upstream"
	case acc.Management:
		return "management"
	}
	return "hosted"
}

// accountRows shows one account.
func accountRows(acc *api.Account) [][]string {
	rows := [][]string{{"Account", acc.ID}, {"Name", acc.Name}, {"Kind", kindOf(acc)}}
	if u := acc.Upstream; u != nil {
		rows = append(rows, []string{"Mode", u.Mode}, []string{"Endpoints", strings.Join(u.Endpoints, " ")})
		rows = append(rows, []string{"For", strings.Join(append([]string{"the management account"}, u.For...), " ")})
	}
	return rows
}
