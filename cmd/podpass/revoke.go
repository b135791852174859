package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

const revokeLong = `Take back what "podpass grant" has given a service account: its policies, the statement in the role's trust policy, the association or annotation, and the
role, the service account and the OIDC provider where grants made them and nobody else uses them by now. What others made or added stays as it is, byte for
byte, and is named. With --policy, --policy-file or --for only these go, and everything else stays.

Running the same command again finishes what was interrupted. Pods that have credentials keep them until those expire, without what the policies allowed.`

func (a *app) revoke() *cobra.Command {
	var c struct {
		grantPlace
		grantWhat
		files       []string
		namespace   string
		dryRun, yes bool
		output      format
	}
	cmd := &cobra.Command{
		Use:   "revoke [-n NAMESPACE] SERVICEACCOUNT [flags]\n  podpass revoke -f FILE [flags]",
		Short: "Take back what grant has given a service account, and nothing else",
		Long:  revokeLong,
		Example: `  podpass revoke -n shop web
  podpass revoke -n shop web --policy AmazonS3ReadOnlyAccess    # this permission only
  podpass revoke -f grants.yaml --yes`,
		Args: cobra.MaximumNArgs(1),
	}
	f := cmd.Flags()
	f.StringVarP(&c.namespace, "namespace", "n", "", "`namespace` of the service account (default: that of the kubeconfig's context)")
	c.grantWhat.flags(f)
	f.StringArrayVarP(&c.files, "filename", "f", nil, "`file` of grants that are taken back as a whole, directory of such files, or - for standard input; may be repeated")
	c.grantPlace.flags(f)
	f.BoolVar(&c.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	outputFlag(cmd, &c.output)
	completeWellKnown(cmd)
	check := func(args []string) []error {
		problems := c.grantPlace.check(a)
		switch {
		case len(c.files) > 0 && (len(args) > 0 || c.what()):
			problems = append(problems, errFileSaysAll)
		case !c.single(args, c.files) && len(c.files) == 0:
			problems = append(problems, errors.New("SERVICEACCOUNT or -f FILE is missing"))
		}
		return problems
	}
	return action(a, cmd, check, func(ctx context.Context, args []string) error {
		ctx, stop := untilInterrupted(ctx)
		defer stop()
		w, namespace, err := a.grantWorld(ctx, &c.grantPlace)
		if err != nil {
			return err
		}
		specs, err := a.specs(&c.grantWhat, c.namespace, c.files, args, firstOf(c.namespace, namespace))
		if err != nil {
			return err
		}
		if len(c.files) > 0 {
			for i := range specs {
				specs[i] = specs[i].Whole()
			}
		}
		run := &grantRun{app: a, world: w, place: &c.grantPlace, verb: "revoke", output: c.output}
		plans, err := run.plan(ctx, specs)
		if err != nil {
			return err
		}
		run.show(plans)
		if c.dryRun {
			return run.print(plans)
		}
		if err := run.ask(plans, c.yes); err != nil {
			return err
		}
		return run.apply(ctx, plans, nil)
	})
}
