package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// Stdio is the terminal, or what stands in for it. podpass run hands the three to its command as they are.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is one run of the program: what every subcommand is given.
type app struct {
	Stdio
	env    environ
	plugin bool // called as kubectl's
	args   []string
}

// repeat is the very command, with more flags; hints that begin with podpass are said as the user calls us.
func (a *app) repeat(more ...string) string {
	words := append([]string{"podpass"}, a.args...)
	for i, word := range words {
		words[i] = shellPath(word)
	}
	return strings.Join(append(words, more...), " ")
}

// Run executes the command line args (args[0] is the program's name) and returns the exit code. It reads no global state but the files,
// the network and, for the child process of podpass run, the signals.
func Run(ctx context.Context, args, env []string, stdio Stdio) int {
	a := &app{Stdio: stdio, env: env, plugin: plugin(args[0]), args: args[1:]}
	root := a.root(args[0])
	args = kubectlCompletion(args)
	root.SetArgs(args[1:])
	root.SetIn(stdio.In)
	root.SetOut(stdio.Out)
	root.SetErr(stdio.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if cmd == nil {
		cmd = root
	}
	return report(stdio.Err, err, cmd.CommandPath()+" --help", root.DisplayName())
}

// root is the command tree. A name that begins with kubectl- means we were called as a kubectl plugin.
func (a *app) root(program string) *cobra.Command {
	root := &cobra.Command{
		Use:     "podpass",
		Version: buildVersion(),
		Short:   "Short-lived AWS credentials for Kubernetes service accounts",
		Long: `Podpass gives Kubernetes pods, and processes on this machine, short-lived AWS credentials through their service accounts.

Commands speak to the authority AWS_ENDPOINT_URL names, with the AWS credentials of the environment; where it is not set, to the one
"podpass up" started on this machine, whose address and administrator stand in the file env of its data directory; and where there is none, to the
one installed in the cluster of the current kubeconfig context, through its API server. As a kubectl plugin ("kubectl podpass", a link to this
program named kubectl-podpass in the PATH) they ask that cluster first. --data-dir and --kube-context name an authority before all of these.

Every flag can also be given as a variable (--data-dir as PODPASS_DATA_DIR) or, per command, in ~/.config/podpass/config.yaml.`,
		Example: `  podpass up                                      # the whole authority on this machine
  podpass apply -f roles.yaml                     # roles, policies, service accounts
  podpass run -n shop web -- aws sts get-caller-identity`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          a.group,
		Args:          cobra.ArbitraryArgs,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(cmd.CommandPath()+" --help", "%w", flagMistake(err))
	})
	root.PersistentFlags().String("config", "", "file of settings per command (default ~/.config/podpass/config.yaml)")
	root.AddCommand(a.up(), a.run(), a.token(), a.server(), a.agent(), a.webhook(), a.inject(), a.grant(), a.revoke(), a.apply(), a.cluster(), a.connectCommand(), a.association(), a.stsEndpoint(), a.account(), a.admin(), a.session(), a.key(), a.whois(), a.install(), a.uninstall(), a.image(), a.version())
	if plugin(program) {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl podpass"}
		asPlugin(root)
	}
	return root
}

// asPlugin makes the examples, and the commands the texts quote, read as a plugin's user types them.
func asPlugin(cmd *cobra.Command) {
	cmd.Example = strings.ReplaceAll(cmd.Example, "podpass ", "kubectl podpass ")
	cmd.Long = strings.ReplaceAll(cmd.Long, `"podpass `, `"kubectl podpass `)
	for _, sub := range cmd.Commands() {
		asPlugin(sub)
	}
}

// kubectlCompletion turns a call under the name kubectl looks for to complete a plugin's arguments into cobra's own.
func kubectlCompletion(args []string) []string {
	if !strings.HasPrefix(filepath.Base(args[0]), "kubectl_complete-podpass") {
		return args
	}
	return append([]string{args[0], cobra.ShellCompRequestCmd}, args[1:]...)
}

func plugin(program string) bool {
	return strings.HasPrefix(filepath.Base(program), "kubectl-podpass") || strings.HasPrefix(filepath.Base(program), "kubectl_complete-podpass")
}

// action makes cmd run do after its settings are complete and check has found no mistake; all mistakes are reported together.
func action(a *app, cmd *cobra.Command, check func(args []string) []error, do func(ctx context.Context, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		problems := fill(cmd, a.env)
		if check != nil {
			problems = append(problems, check(args)...)
		}
		if len(problems) > 0 {
			return usage(cmd.CommandPath()+" --help", "%w", errors.Join(problems...))
		}
		return do(cmd.Context(), args)
	}
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// group is what a command that only holds others does: it shows them, and refuses a word that is none of them.
func (a *app) group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	text := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usage(cmd.CommandPath()+" "+near[0], "%s", text)
	}
	return usage(cmd.CommandPath()+" --help", "%s", text)
}

// exactly refuses any other number of arguments, naming what is wanted.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage(cmd.CommandPath()+" --help", "%s is missing", strings.Join(names[len(args):], " and "))
		case len(args) > len(names):
			return usage(cmd.CommandPath()+" --help", "unexpected argument %q", args[len(names)])
		}
		for i, name := range names {
			if args[i] == "" {
				return usage(cmd.CommandPath()+" --help", "%s is empty", name)
			}
		}
		return nil
	}
}
