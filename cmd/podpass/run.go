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
does, the variables of region, endpoint and mechanism, and nothing else that would give an AWS SDK an identity.

The token comes from a cluster podpass is the issuer of, or with --kubeconfig from a real cluster's TokenRequest API. The mechanism is
pod-identity where the service account has an association, and irsa, web identity, where it has the annotation eks.amazonaws.com/role-arn or
--role-arn names a role.

With pod-identity the SDK gets its credentials from an agent: the one of podpass up, if it serves the cluster, else one in this process, which
asks EKS Auth with your own credentials. They are fetched once before the command is started, so that a refusal is told with its reason and
the command is not run. Where a proxy is set, NO_PROXY and no_proxy get the agent's address. With a role of an upstream account the command
is given no endpoint: its calls go to AWS, or where you send them (-- env AWS_ENDPOINT_URL=URL COMMAND).

Of the parent's environment every AWS_ variable that names credentials, a profile, a role, an endpoint or a region is removed. Beyond what a
pod is given, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point to an empty file (a pod has no ~/.aws), AWS_EC2_METADATA_DISABLED keeps
SDKs from the machine's own role, and AWS_ROLE_SESSION_NAME is the pod's name.

Signals are passed on. The exit code is the command's, 128+N if signal N ended it, 127 if there is no such command, 126 if it cannot be
executed, 2 if nothing says which role to use, and 1 if the agent gets no credentials.`,
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
	f.StringVar(&c.roleARN, "role-arn", "", "`ARN` of the role for irsa, instead of the annotation's")
	f.StringVar(&c.sessionName, "session-name", "", "role session `name` for irsa (default: the pod's name)")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "take the token from the cluster of this `file`")
	f.StringVar(&c.context, "context", "", "`context` of the kubeconfig")
	f.StringVar(&c.audience, "audience", "", "`audience` of the token (default sts.amazonaws.com, for pod-identity pods.eks.amazonaws.com)")
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
	note(c.mechanism == "pod-identity" && c.roleARN != "", "--role-arn goes with --mechanism irsa: with pod-identity the role is the association's")
	note(c.mechanism == "pod-identity" && c.sessionName != "", "--session-name goes with --mechanism irsa: with pod-identity the server names the session")
	note(c.context != "" && c.kubeconfig == "", "--context needs --kubeconfig")
	note(c.kubeconfig != "" && c.podUID != "" && c.podName == "", "--pod-uid needs --pod-name")
	note(c.sessionName != "" && !sessionNames.MatchString(c.sessionName), "--session-name must be 2 to 64 of the characters A-Z a-z 0-9 _+=,.@-")
	note(c.region != "" && !identity.ValidRegion(c.region), "--region %q is not a region name such as us-west-2", c.region)
	if c.roleARN != "" {
		_, err := identity.ParseRoleARN(c.roleARN)
		note(err != nil, "--role-arn %q is not the ARN of a role, such as arn:aws:iam::111122223333:role/web", c.roleARN)
	}
	return problems
}

// runCommand is the whole of podpass run. Whatever way it ends, the token's directory is gone afterwards.
func (a *app) runCommand(ctx context.Context, c *runConfig, self string) (err error) {
	received, stop := signals()
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	p := &prepared{}
	defer func() {
		// Keeper and agent end before the directory goes, or the keeper might write into it once more.
		cancel()
		p.ended.Wait()
		if p.dir == nil {
			return
		}
		if left := p.dir.remove(); left != nil && err == nil {
			err = failed("rm -r "+shellPath(p.dir.path), "the token could not be removed: %w", left)
		}
	}()
	setup, interrupted := interruptible(ctx, received)
	err = a.prepare(setup, ctx, p, c, self)
	if cause := interrupted(); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	return supervise(p.cmd, received, foreground)
}
