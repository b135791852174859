package main

import (
	"context"
	"fmt"
	"os"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/spf13/cobra"
)

func (a *app) account() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "account",
		Short:   "Create and list the accounts hosted here",
		Example: "  podpass account create staging",
		RunE:    a.group,
		Args:    cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.accountCreate(), a.accountList())
	return cmd
}

func (a *app) accountCreate() *cobra.Command {
	var c struct {
		connectConfig
		id, envFile string
		output      format
	}
	cmd := &cobra.Command{
		Use:   "create NAME [flags]",
		Short: "Create an account and its first administrator",
		Long: `Create an account, isolated from every other, and its first administrator. The administrator's secret key is shown this once; with --env-file
it is written to a new file for the shell (mode 0600) instead.`,
		Example: `  podpass account create staging --env-file staging.env
  . ./staging.env && aws iam list-roles`,
		Args: exactly("NAME"),
	}
	c.flags(cmd.Flags())
	cmd.Flags().StringVar(&c.id, "id", "", "12 `digits` of the account (default: random)")
	cmd.Flags().StringVar(&c.envFile, "env-file", "", "write the administrator's key to this `file`, which must not exist")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func([]string) []error {
		if _, err := identity.ParseAccount(c.id); c.id != "" && err != nil {
			return []error{fmt.Errorf("--id: %w", err)}
		}
		return nil
	}, func(ctx context.Context, args []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		// Before the account is made: its only key would be lost, or another account's, whose file this is.
		if c.envFile != "" {
			if err := claimFile(c.envFile); err != nil {
				return usage("podpass account create "+shellPath(args[0])+" --env-file FILE   # a new one", "--env-file: %w", err)
			}
		}
		out, err := conn.CreateAccount(ctx, &api.CreateAccountRequest{Name: args[0], ID: c.id})
		if err != nil {
			if c.envFile != "" {
				_ = os.Remove(c.envFile) // it is empty; the error to show is the other one
			}
			return conn.explain(err)
		}
		rows := [][]string{{"Account", out.Account.ID}, {"Name", out.Account.Name}, {"Administrator", out.Administrator.User}}
		if c.envFile != "" {
			file := administratorEnv(conn.endpoint, conn.region, out.Administrator)
			if err := replaceFile(c.envFile, file.marshal()); err != nil {
				// Showing the key is the lesser evil: there is no other.
				fmt.Fprintf(a.Err, "podpass: the administrator's key is %s %s\n", out.Administrator.AccessKeyID, out.Administrator.SecretAccessKey)
				return failed("podpass account list", "account %s was created, and its key could not be written: %w", out.Account.ID, err)
			}
			out.Administrator.SecretAccessKey = ""
			rows = append(rows, []string{"Env file", c.envFile})
		} else {
			rows = append(rows, []string{"Access key", out.Administrator.AccessKeyID}, []string{"Secret key", out.Administrator.SecretAccessKey})
		}
		return c.output.print(a.Out, out, nil, rows)
	})
}

func (a *app) accountList() *cobra.Command {
	var c struct {
		connectConfig
		output format
	}
	cmd := &cobra.Command{
		Use: "list [flags]", Short: "List the accounts hosted here", Example: "  podpass account list -o json", Args: exactly(),
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
			kind := "hosted"
			if acc.Management {
				kind = "management"
			}
			rows = append(rows, []string{acc.ID, acc.Name, kind, stamp(acc.Created)})
		}
		return c.output.print(a.Out, out, []string{"ACCOUNT", "NAME", "KIND", "CREATED"}, rows)
	})
}
