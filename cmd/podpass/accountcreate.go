package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/spf13/cobra"
)

func (a *app) accountCreate() *cobra.Command {
	var c struct {
		connectConfig
		id, envFile string
		upstream    upstreamFlags
		output      format
	}
	cmd := &cobra.Command{
		Use:   "create NAME [flags]",
		Short: "Create an account and its first administrator, or register an upstream account",
		Long: `Create an account, isolated from every other, and its first administrator. The administrator's secret key is shown this once; with --env-file
it is written to a new file for the shell (mode 0600) instead.

With --upstream the account lives elsewhere, at AWS or another STS, and has no roles and no administrator here: associations may name its roles,
and EKS Auth obtains them there. Mode web-identity presents the pod's own token, so that its issuer must be an OIDC provider of the role's account;
session tags can't be sent with it. Mode assume-role sends them, under the AWS credentials this server finds in its environment; sessions end
after an hour.`,
		Example: `  podpass account create staging --env-file staging.env
  . ./staging.env && aws iam list-roles
  podpass account create aws-prod --id 444455556666 --upstream web-identity \
    --endpoint https://sts.us-west-2.amazonaws.com,https://sts.us-east-1.amazonaws.com`,
		Args: exactly("NAME"),
	}
	c.flags(cmd.Flags())
	cmd.Flags().StringVar(&c.id, "id", "", "12 `digits` of the account (default: random)")
	cmd.Flags().StringVar(&c.envFile, "env-file", "", "write the administrator's key to this `file`, which must not exist")
	c.upstream.bind(cmd, "upstream")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func([]string) (mistakes []error) {
		if _, err := identity.ParseAccount(c.id); c.id != "" && err != nil {
			mistakes = append(mistakes, fmt.Errorf("--id: %w", err))
		}
		switch {
		case c.upstream.mode == "" && (len(c.upstream.endpoints) > 0 || len(c.upstream.serves) > 0):
			mistakes = append(mistakes, errors.New("--endpoint and --for are for upstream accounts: give --upstream web-identity or --upstream assume-role"))
		case c.upstream.mode != "" && c.id == "":
			mistakes = append(mistakes, errors.New("--upstream needs --id: the account has its number already"))
		case c.upstream.mode != "" && c.envFile != "":
			mistakes = append(mistakes, errors.New("--env-file has nothing to hold: an upstream account has no administrator here"))
		}
		return append(mistakes, c.upstream.check()...)
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
		out, err := conn.CreateAccount(ctx, &api.CreateAccountRequest{Name: args[0], ID: c.id, Upstream: c.upstream.spec()})
		if err != nil {
			if c.envFile != "" {
				_ = os.Remove(c.envFile) // it is empty; the error to show is the other one
			}
			return conn.explain(err)
		}
		if out.Account.Upstream != nil {
			return c.output.print(a.Out, out, nil, accountRows(&out.Account))
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
