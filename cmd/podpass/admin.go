package main

import (
	"context"
	"fmt"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/cluster"
	"github.com/spf13/cobra"
)

func (a *app) admin() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "admin",
		Short:   "Look after the administrator's access key",
		Example: "  podpass admin rotate",
		RunE:    a.group,
		Args:    cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.adminRotate())
	return cmd
}

func (a *app) adminRotate() *cobra.Command {
	var c struct {
		connectConfig
		output format
	}
	cmd := &cobra.Command{
		Use:   "rotate [flags]",
		Short: "Give the administrator a new access key and delete the old one",
		Long: `Give the account's administrator a new access key and delete the old ones. Where the key came from a data directory's env file, that file is
replaced in one step. Of a podpass in a cluster the server itself writes the new key into the Secret podpass-administrator, however it was rotated
and within seconds. Else the new key is printed, this once.`,
		Example: `  podpass admin rotate && . ~/.local/state/podpass/env`,
		Args:    exactly(),
	}
	c.flags(cmd.Flags())
	outputFlag(cmd, &c.output)
	return action(a, cmd, nil, func(ctx context.Context, _ []string) error {
		conn, err := a.connectAsAdministrator(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		out, err := conn.RotateAdmin(ctx)
		if err != nil {
			return conn.explain(err)
		}
		rows := [][]string{{"Administrator", out.Administrator.User}, {"Access key", out.Administrator.AccessKeyID}}
		if conn.installed != nil {
			if err := conn.installed.rotated(ctx, out.Administrator.AccessKeyID); err != nil {
				return failed("kubectl -n "+cluster.Namespace+" logs -l app.kubernetes.io/component=server   # it writes the Secret", "%w", err)
			}
			out.Administrator.SecretAccessKey = ""
			return c.output.print(a.Out, out, nil, append(rows, []string{"Secret", cluster.Namespace + "/" + cluster.Administrator}))
		}
		if conn.envFile == "" {
			rows = append(rows, []string{"Secret key", out.Administrator.SecretAccessKey})
			return c.output.print(a.Out, out, nil, rows)
		}
		if err := rewriteEnvFile(conn.envFile, out.Administrator); err != nil {
			// The old key is gone and the new one would be lost: showing it is the lesser evil.
			fmt.Fprintf(a.Err, "podpass: the new key is %s %s\n", out.Administrator.AccessKeyID, out.Administrator.SecretAccessKey)
			return failed("podpass up   # makes another key if the env file is missing", "the key was rotated, and %s could not be written: %w", conn.envFile, err)
		}
		out.Administrator.SecretAccessKey = ""
		return c.output.print(a.Out, out, nil, append(rows, []string{"Env file", conn.envFile}))
	})
}

// connectAsAdministrator prefers the data directory's key where the environment has that very key: after ". D/env" both are the same, and
// the file must not be left with a key that is gone.
func (a *app) connectAsAdministrator(ctx context.Context, c connectConfig) (*connection, error) {
	if own := a.env.dataDir(); c.dataDir == "" && own != "" {
		if conn, err := a.connectDataDir(own); err == nil && conn.accessKeyID == a.env.get("AWS_ACCESS_KEY_ID") {
			return conn, nil
		}
	}
	return a.connect(ctx, c)
}

func rewriteEnvFile(path string, key api.AccessKey) error {
	file, err := readEnvFile(path)
	if err != nil {
		return err
	}
	return replaceFile(path, file.with("AWS_ACCESS_KEY_ID", key.AccessKeyID).with("AWS_SECRET_ACCESS_KEY", key.SecretAccessKey).marshal())
}

// administratorEnv is the env file of an administrator.
func administratorEnv(endpoint, region string, key api.AccessKey) envFile {
	return envFile{
		{"AWS_ENDPOINT_URL", endpoint},
		{"AWS_ENDPOINT_URL_STS", endpoint}, // some SDKs ask only this one for the web identity exchange
		{"AWS_ACCESS_KEY_ID", key.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", key.SecretAccessKey},
		{"AWS_REGION", region},
		{"AWS_DEFAULT_REGION", region},
	}
}
