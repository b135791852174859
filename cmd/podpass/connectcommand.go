package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/api"
)

// connectCommandConfig is what podpass connect is told.
type connectCommandConfig struct {
	kubeContext, listen, envFile string
	command                      []string
}

func (a *app) connectCommand() *cobra.Command {
	c := &connectCommandConfig{}
	cmd := &cobra.Command{
		Use:   "connect [flags] [-- COMMAND...]",
		Short: "Bring the podpass in a cluster to a port of this machine",
		Long: `Bring the server of the podpass that is installed in a cluster to a port of this machine, for any AWS CLI or SDK. The way there is a port-forward
through the API server, with what your kubeconfig allows; beyond this machine everything is TLS, verified with the CA the installation publishes.

With a command, that is run with the endpoint and the administrator's key in its environment, and the connection ends with it. Without one, a line that
begins with "ready" is printed on standard output, and the env file holds both for other shells until the connection is ended by Ctrl-C. The connection
outlives the server's pods.

Podpass's own commands need none of this: they find the cluster's podpass by themselves.`,
		Example: `  podpass connect -- aws eks list-pod-identity-associations --cluster-name prod
  podpass connect
  . ~/.local/state/podpass-connect/env && aws iam list-roles`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch dash := cmd.ArgsLenAtDash(); {
			case dash > 0, dash < 0 && len(args) > 0:
				return usage(cmd.CommandPath()+" -- COMMAND", "unexpected argument %q: a command stands behind --", args[0])
			case dash == 0 && (len(args) == 0 || args[0] == ""):
				return usage(cmd.CommandPath()+" -- COMMAND", "the command to run is missing: it stands behind --")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.kubeContext, "kube-context", "", "`context` of the kubeconfig (default: the current one)")
	f.StringVar(&c.listen, "listen", "127.0.0.1:0", "`host:port` of loopback to listen on; port 0 lets the system pick one")
	def := ""
	if base := a.env.xdg("XDG_STATE_HOME", ".local/state"); base != "" {
		def = filepath.Join(base, "podpass-connect", "env")
	}
	f.StringVar(&c.envFile, "env-file", def, "`file` to write the environment to, as long as it lasts")
	return action(a, cmd, func(args []string) []error {
		if c.command = args; len(args) == 0 && c.envFile == "" {
			return []error{errors.New("--env-file is missing, and there is no home directory for it")}
		}
		return nil
	}, func(ctx context.Context, _ []string) error { return a.connectAndWait(ctx, c) })
}

// connectAndWait is the whole of podpass connect: the connection lasts until a signal comes, or as long as its command.
func (a *app) connectAndWait(ctx context.Context, c *connectCommandConfig) (err error) {
	received, stop := signals()
	defer stop()
	var command *exec.Cmd
	if len(c.command) > 0 {
		if command, err = findCommand(c.command[0], c.command[1:], a.Stdio); err != nil {
			return err
		}
	}
	setup, interrupted := interruptible(ctx, received)
	in, err := a.find(setup, c.kubeContext)
	if cause := interrupted(); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	life, end := context.WithCancel(ctx)
	defer end()
	url, wait, err := in.onLoopback(life, c.listen, slog.New(slog.NewTextHandler(a.Err, nil)))
	if err != nil {
		return failed("podpass connect --listen 127.0.0.1:0", "%w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- wait() }()
	defer func() {
		end()
		if left := <-ended; err == nil && left != nil {
			err = left
		}
	}()
	env := in.env(url)
	if command != nil {
		command.Env = env.over(a.env)
		return supervise(command, received, foreground)
	}
	return a.holdOpen(c, in, url, env, func() error {
		for {
			select {
			case s := <-received:
				if fatal(s) {
					return nil // it is how this is ended
				}
			case err := <-ended:
				ended <- nil // for whoever waits in the end
				return err
			case <-ctx.Done():
				return nil
			}
		}
	})
}

// holdOpen leaves the env file while the connection lasts.
func (a *app) holdOpen(c *connectCommandConfig, in *installed, url string, env envFile, until func() error) error {
	content := env.marshal()
	err := os.MkdirAll(filepath.Dir(c.envFile), 0o700)
	if err == nil {
		err = replaceFile(c.envFile, content)
	}
	if err != nil {
		return failed("podpass connect --env-file FILE   # one you may write", "%w", err)
	}
	defer func() {
		if now, err := readCapped(c.envFile, maxEnvFile); err == nil && bytes.Equal(now, content) { // and not another connection's
			_ = os.Remove(c.envFile)
		}
	}()
	if _, err := fmt.Fprintf(a.Out, "ready %s  context %s  env %s\n", url, in.context, shellPath(c.envFile)); err != nil {
		return err
	}
	return until()
}

// env is the environment in which an AWS tool speaks to the podpass in the cluster, as its administrator, at a URL of this machine.
func (in *installed) env(url string) envFile {
	key := in.Known()
	env := administratorEnv(url, key.Region, api.AccessKey{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey})
	if key.Cluster != "" {
		env = append(env, setting{variable("cluster"), key.Cluster})
	}
	return env
}

// over is an environment with the file's variables in it, and none that would name another identity or authority.
func (e envFile) over(parent environ) []string {
	out := withoutIdentity(parent)
	if endpoint := e.get("AWS_ENDPOINT_URL"); endpoint != "" {
		out = pastProxies(out, endpoint)
	}
	for _, s := range e {
		out = append(out, s.name+"="+s.value)
	}
	return out
}
