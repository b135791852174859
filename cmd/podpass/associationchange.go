package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/podpass/podpass/identity"
	"github.com/spf13/cobra"
)

func (a *app) associationUpdate() *cobra.Command {
	var c struct {
		associationTarget
		associationSettings
	}
	cmd := &cobra.Command{
		Use:   "update " + targetArgument + " [flags]",
		Short: "Change an association's role, target role, session tags or policy",
		Long: `Change an association; what no flag names stays as it is. An empty --target-role or --policy takes that away. Namespace and service account
cannot be changed.

Credentials that pods have stay valid until they expire; what they are given next is by the association as it is then.`,
		Example: `  podpass association update -n shop web --role web-2
  podpass association update a-abcdefghijklmnop1 --disable-session-tags=false --policy ''`,
		Args: exactly("ID or SERVICEACCOUNT"),
	}
	c.bind(cmd)
	c.associationSettings.flags(cmd.Flags())
	return action(a, cmd, func(args []string) []error {
		problems := append(c.associationTarget.check(args[0]), c.associationSettings.check()...)
		f := cmd.Flags()
		if !f.Changed("role") && !f.Changed("target-role") && !f.Changed("disable-session-tags") && !f.Changed("policy") {
			problems = append(problems, errors.New("nothing is to be changed: give --role, --target-role, --disable-session-tags or --policy"))
		}
		if f.Changed("role") && c.role == "" {
			problems = append(problems, errors.New("--role is empty: an association has a role"))
		}
		return problems
	}, func(ctx context.Context, _ []string) error {
		conn, found, err := a.one(ctx, &c.associationTarget, createHint(c.cluster, c.namespace, c.account))
		if err != nil {
			return err
		}
		client := conn.eks()
		in := &eks.UpdatePodIdentityAssociationInput{ClusterName: &c.cluster, AssociationId: &found.AssociationID}
		if c.role != "" {
			role, err := c.roleARN(ctx, client, c.cluster)
			if err != nil {
				return conn.explainAssociation(err, c.cluster, "podpass association update --help")
			}
			in.RoleArn = &role
		}
		if cmd.Flags().Changed("target-role") {
			in.TargetRoleArn = &c.targetRole
		}
		if cmd.Flags().Changed("policy") {
			in.Policy = &c.policy
		}
		if cmd.Flags().Changed("disable-session-tags") {
			in.DisableSessionTags = &c.disableTags
		}
		out, err := client.UpdatePodIdentityAssociation(ctx, in)
		if err != nil {
			return conn.explainAssociation(err, c.cluster, "podpass association update --help")
		}
		view := viewOf(out.Association)
		return c.output.print(a.Out, view, nil, view.rows())
	})
}

func (a *app) associationDelete() *cobra.Command {
	var c struct {
		associationTarget
		yes bool
	}
	cmd := &cobra.Command{
		Use:   "delete " + targetArgument + " [flags]",
		Short: "Take a service account's role away",
		Long: `Delete an association, by its id or by exactly what it names. On a terminal a confirmation is asked for.

Agents behind this server forget the credentials within 10 seconds; those that pods hold already stay valid until they expire ("podpass session
revoke --role NAME" ends them).`,
		Example: `  podpass association delete -n shop web
  podpass association delete a-abcdefghijklmnop1 --yes`,
		Args: exactly("ID or SERVICEACCOUNT"),
	}
	c.bind(cmd)
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	return action(a, cmd, func(args []string) []error { return c.check(args[0]) }, func(ctx context.Context, _ []string) error {
		conn, found, err := a.one(ctx, &c.associationTarget, "podpass association list"+inCluster(c.cluster))
		if err != nil {
			return err
		}
		if !c.yes && terminal(a.In) && !a.confirm(fmt.Sprintf("Delete association %s of %s with %s?", found.AssociationID, found.account(), found.RoleARN)) {
			return failed("podpass association delete --yes", "nothing was changed")
		}
		out, err := conn.eks().DeletePodIdentityAssociation(ctx, &eks.DeletePodIdentityAssociationInput{
			ClusterName: &c.cluster, AssociationId: &found.AssociationID,
		})
		if err != nil {
			return conn.explainAssociation(err, c.cluster, "podpass association delete --help")
		}
		view := viewOf(out.Association)
		return c.output.print(a.Out, view, nil, [][]string{{"deleted", view.AssociationID, view.account(), view.RoleARN}})
	})
}

// one is the association a command changes: never that of globs which only match the service account, as others have it too. hint is for
// where there is none.
func (a *app) one(ctx context.Context, c *associationTarget, hint string) (*connection, *associationView, error) {
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return nil, nil, err
	}
	client := conn.eks()
	found, err := c.find(ctx, client)
	if err != nil {
		return nil, nil, conn.explainAssociation(err, c.cluster, "podpass association list --help")
	}
	if found != nil {
		return conn, found, nil
	}
	wider, err := c.governing(ctx, client)
	if err != nil {
		return nil, nil, conn.explainAssociation(err, c.cluster, "podpass association list --help")
	}
	if wider == nil {
		return nil, nil, c.none(hint)
	}
	return nil, nil, failed("podpass association describe"+inCluster(c.cluster)+" "+wider.AssociationID,
		"%s has no association of its own: it has that of the globs %s, as others may", identity.ServiceAccount{Namespace: c.namespace, Name: c.account}, wider.account())
}
