package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/install"
)

type uninstallConfig struct {
	clusterConnection
	yes, deleteState bool
	output           format
}

func (a *app) uninstall() *cobra.Command {
	c := &uninstallConfig{}
	cmd := &cobra.Command{
		Use:   "uninstall [flags]",
		Short: "Remove podpass from a Kubernetes cluster",
		Long: `Remove podpass from a Kubernetes cluster: the webhook configuration and the policy first, so that no pod is refused on the way, then server, webhook
and agent, and what they made in other namespaces. Pods that run go on with the credentials they have, until those expire.

The state stays, the server's PersistentVolumeClaim and the administrator's Secret, and the next installation goes on with it. --delete-state deletes
it, and the namespace, if podpass made that and nobody else has anything in it: roles, associations and keys are then gone for good.`,
		Example: `  podpass uninstall
  podpass uninstall --yes --delete-state`,
		Args: exactly(),
	}
	f := cmd.Flags()
	f.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&c.deleteState, "delete-state", false, "delete roles, associations and keys, too")
	c.flags(f)
	c.waitFlag(f)
	outputFlag(cmd, &c.output)
	return action(a, cmd, nil, func(ctx context.Context, _ []string) error { return a.runUninstall(ctx, c) })
}

func (a *app) runUninstall(ctx context.Context, c *uninstallConfig) error {
	in, err := a.kubernetes(&c.clusterConnection)
	if err != nil {
		return err
	}
	if !c.yes {
		if !terminal(a.In) {
			return usage("podpass uninstall --yes"+c.flagsAgain(), "nothing was changed: there is no terminal to ask at")
		}
		question := fmt.Sprintf("Remove podpass from %s, and keep its state?", in.Host())
		if c.deleteState {
			question = fmt.Sprintf("Remove podpass from %s, and DELETE its roles, associations and keys?", in.Host())
		}
		if !a.confirm(question) {
			return failed("podpass install history"+c.flagsAgain(), "nothing was changed")
		}
	}
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	removed, err := in.Uninstall(ctx, c.deleteState)
	if err != nil {
		return c.explainUninstall(err, removed)
	}
	return c.output.print(a.Out, removed, nil, removedRows(removed))
}

// explainUninstall says that what was interrupted can be gone on with.
func (c *uninstallConfig) explainUninstall(err error, removed *install.Removed) error {
	if removed == nil || len(removed.Objects) == 0 {
		return c.explain(err)
	}
	return failed("podpass uninstall"+c.flagsAgain()+"   # goes on where it stopped", "%s were removed, then: %w", count(len(removed.Objects), "object"), err)
}
