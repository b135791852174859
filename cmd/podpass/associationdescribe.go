package main

import (
	"context"
	"fmt"

	"github.com/podpass/podpass/identity"
	"github.com/spf13/cobra"
)

func (a *app) associationDescribe() *cobra.Command {
	c := &associationTarget{}
	cmd := &cobra.Command{
		Use:   "describe " + targetArgument + " [flags]",
		Short: "Show an association, or which one a service account has",
		Long: `Show an association by its id, or the one a service account has: its own, else that of the globs that match it and come first.

Where the authority is podpass it also says whether every server and webhook has applied the association, and when the service account was last
given credentials or refused them, and why.`,
		Example: `  podpass association describe -n shop web
  podpass association describe a-abcdefghijklmnop1 -o json`,
		Args: exactly("ID or SERVICEACCOUNT"),
	}
	c.bind(cmd)
	return action(a, cmd, func(args []string) []error { return c.check(args[0]) }, func(ctx context.Context, _ []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		view, err := c.governing(ctx, conn.eks())
		if err != nil {
			return conn.explainAssociation(err, c.cluster, "podpass association describe --help")
		}
		if view == nil {
			return c.none(createHint(c.cluster, c.namespace, c.account))
		}
		asked := identity.ServiceAccount{Namespace: c.namespace, Name: c.account}
		if c.id != "" {
			asked = identity.ServiceAccount{Namespace: view.Namespace, Name: view.ServiceAccount}
		}
		if view.account() != asked.String() {
			fmt.Fprintf(a.Err, "podpass: %s has no association of its own: the globs %s match it\n", asked, view.account())
		}
		view.look(ctx, conn, asked)
		return c.output.print(a.Out, view, nil, view.rows())
	})
}
