package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/spf13/cobra"
)

type runConfig struct {
	workloadConfig
	mechanism, roleARN, sessionName string
	kubeconfig, context             string
	audience, region                string
	expiration                      lifetime
	command                         []string
}

func (a *app) run() *cobra.Command {
	c := &runConfig{expiration: lifetime(24 * time.Hour)}
	cmd := &cobra.Command{
		Use:   "run [-n NAMESPACE] SERVICEACCOUNT [flags] -- COMMAND [ARG]...",
		Short: "Run a local process with a pod's identity",
		Long: `Run a command with the identity a pod of the service account would have: its token in a private file that is kept fresh as kubelet
does, the role, region and endpoint variables, and nothing else that would give an AWS SDK an identity.

The token comes from a cluster podpass is the issuer of, or with --kubeconfig from a real cluster's TokenRequest API. The role is the one of
the service account's association or of its annotation eks.amazonaws.com/role-arn, unless --role-arn names another.

Of the parent's environment every AWS_ variable that names credentials, a profile, a role, an endpoint or a region is removed. Beyond what a
pod is given, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point to an empty file (a pod has no ~/.aws), AWS_EC2_METADATA_DISABLED keeps
SDKs from the machine's own role, and AWS_ROLE_SESSION_NAME is the pod's name.

Signals are passed on. The exit code is the command's, 128+N if signal N ended it, 127 if there is no such command, 126 if it cannot be
executed, and 2 if nothing says which role to use.`,
		Example: `  podpass run -n shop web -- aws sts get-caller-identity
  podpass run -n shop web --role-arn arn:aws:iam::111122223333:role/web -- ./app
  podpass run -n shop web --kubeconfig ~/.kube/config -- ./app`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch dash := cmd.ArgsLenAtDash(); {
			case dash < 0, dash == len(args):
				return usage(cmd.CommandPath()+" SERVICEACCOUNT -- COMMAND", "the command to run is missing: it stands behind --")
			case args[dash] == "":
				return usage(cmd.CommandPath()+" SERVICEACCOUNT -- COMMAND", "the command to run is empty")
			case dash == 0:
				return usage(cmd.CommandPath()+" SERVICEACCOUNT -- COMMAND", "SERVICEACCOUNT is missing")
			case dash > 1:
				return usage(cmd.CommandPath()+" SERVICEACCOUNT -- COMMAND", "unexpected argument %q before --", args[1])
			}
			return nil
		},
	}
	f := cmd.Flags()
	c.flags(f)
	f.StringVar(&c.mechanism, "mechanism", "auto", "how credentials are got: `auto, irsa or pod-identity`")
	oneOf(cmd, "mechanism", "auto", "irsa", "pod-identity")
	f.StringVar(&c.roleARN, "role-arn", "", "`ARN` of the role, instead of the association's or the annotation's")
	f.StringVar(&c.sessionName, "session-name", "", "role session `name` (default: the pod's name)")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "take the token from the cluster of this `file`")
	f.StringVar(&c.context, "context", "", "`context` of the kubeconfig")
	f.StringVar(&c.audience, "audience", "sts.amazonaws.com", "`audience` of the token")
	f.StringVar(&c.region, "region", "", "AWS `region` of the command (default: the cluster's)")
	f.Var(&c.expiration, "token-expiration", "how long each token is valid, 10m to 24h")
	return action(a, cmd, func(args []string) []error { return c.check(cmd, args) },
		func(ctx context.Context, _ []string) error { return a.runCommand(ctx, c, cmd.CommandPath()) })
}

var sessionNames = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// check reads the arguments and reports every mistake.
func (c *runConfig) check(cmd *cobra.Command, args []string) []error {
	c.name, c.command = args[0], args[1:]
	problems := append(c.workloadConfig.check(), c.expiration.check("token-expiration")...)
	note := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	note(!slices.Contains([]string{"auto", "irsa", "pod-identity"}, c.mechanism), "--mechanism must be auto, irsa or pod-identity, not %q", c.mechanism)
	note(c.mechanism == "pod-identity", "--mechanism pod-identity needs the podpass agent, which is not part of this release: use irsa")
	note(c.context != "" && c.kubeconfig == "", "--context needs --kubeconfig")
	note(c.kubeconfig != "" && c.podUID != "" && c.podName == "", "--pod-uid needs --pod-name")
	note(c.sessionName != "" && !sessionNames.MatchString(c.sessionName), "--session-name must be 2 to 64 of the characters A-Z a-z 0-9 _+=,.@-")
	note(c.region != "" && !identity.ValidRegion(c.region), "--region %q is not a region name such as us-west-2", c.region)
	if c.roleARN != "" {
		arn, err := identity.ParseARN(c.roleARN)
		_, _, ok := identity.RoleName(arn)
		note(err != nil || !ok, "--role-arn %q is not the ARN of a role, such as arn:aws:iam::111122223333:role/web", c.roleARN)
	}
	return problems
}

// runCommand is the whole of podpass run. Whatever way it ends, the token's directory is gone afterwards.
func (a *app) runCommand(ctx context.Context, c *runConfig, self string) (err error) {
	received, stop := signals()
	defer stop()
	setup, interrupted := interruptible(ctx, received)
	cmd, dir, keep, err := a.prepare(setup, c, self)
	if dir != nil {
		defer func() {
			if left := dir.remove(); left != nil && err == nil {
				err = failed("rm -r "+shellPath(dir.path), "the token could not be removed: %w", left)
			}
		}()
	}
	if cause := interrupted(); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		keep(ctx)
	}()
	// The keeper ends before the directory goes, or it might write into it once more.
	defer func() {
		cancel()
		<-kept
	}()
	return supervise(cmd, received, foreground)
}
