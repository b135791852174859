package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/podpass/podpass/api"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// describedAtOnce bounds how many associations list asks about at the same time.
const describedAtOnce = 8

type associationListConfig struct {
	connectConfig
	cluster, namespace, account, role string
	summary                           bool
	output                            format
}

func (a *app) associationList() *cobra.Command {
	c := &associationListConfig{}
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List the associations of a cluster",
		Long: `List the associations of a cluster, all of them: first those of single service accounts, by name, then those of globs in the order in which they
are tried. EKS's list has no roles, so each association is asked about by itself; --summary leaves that out.`,
		Example: `  podpass association list
  podpass association list -n shop --role web -o json`,
		Args: exactly(),
	}
	f := cmd.Flags()
	c.flags(f)
	c.clusterFlag(f, &c.cluster, "`name` of the cluster")
	f.StringVarP(&c.namespace, "namespace", "n", "", "only those of this `namespace`, or of this glob as it stands")
	f.StringVar(&c.account, "service-account", "", "only those of service accounts of this `name`, or of this glob as it stands")
	f.StringVar(&c.role, "role", "", "only those with this role, by `name` or ARN, as the role or the target role")
	f.BoolVar(&c.summary, "summary", false, "list without roles, which is faster")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func([]string) []error {
		if c.summary && c.role != "" {
			return []error{fmt.Errorf("--role needs what --summary leaves out")}
		}
		return nil
	}, func(ctx context.Context, _ []string) error { return a.listAssociations(ctx, c) })
}

func (a *app) listAssociations(ctx context.Context, c *associationListConfig) error {
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return err
	}
	client := conn.eks()
	found, err := listAssociations(ctx, client, &eks.ListPodIdentityAssociationsInput{
		ClusterName: &c.cluster, Namespace: given(c.namespace), ServiceAccount: given(c.account),
	})
	if err == nil && !c.summary {
		found, err = a.describeAll(ctx, client, found)
	}
	if err != nil {
		return conn.explainAssociation(err, c.cluster, "podpass association list --help")
	}
	found = slices.DeleteFunc(found, func(v *associationView) bool {
		return c.role != "" && !named(v.RoleARN, c.role) && !named(v.TargetRoleARN, c.role)
	})
	inPrecedence(found)
	heading := []string{"NAMESPACE", "SERVICEACCOUNT", "ID", "ROLE", "TARGET ROLE"}
	if c.summary {
		heading = heading[:3]
	}
	rows := make([][]string, 0, len(found))
	for _, v := range found {
		rows = append(rows, []string{v.Namespace, v.ServiceAccount, v.AssociationID, v.RoleARN, cmp.Or(v.TargetRoleARN, "-")}[:len(heading)])
	}
	return c.output.print(a.Out, map[string][]*associationView{"associations": found}, heading, rows)
}

// named reports whether a role's ARN is what a person wrote: the ARN itself, or the name.
func named(arn, wanted string) bool {
	return arn == wanted || !strings.HasPrefix(wanted, "arn:") && strings.HasSuffix(arn, "/"+wanted)
}

// describeAll asks about every association. One that was deleted meanwhile is left out.
func (a *app) describeAll(ctx context.Context, client *eks.Client, found []*associationView) ([]*associationView, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(describedAtOnce)
	showing := terminal(a.Err)
	for i, v := range found {
		if showing && i%100 == 99 {
			fmt.Fprintf(a.Err, "podpass: %d of %d associations\n", i+1, len(found))
		}
		group.Go(func() error {
			out, err := client.DescribePodIdentityAssociation(ctx, &eks.DescribePodIdentityAssociationInput{
				ClusterName: &v.ClusterName, AssociationId: &v.AssociationID,
			})
			switch {
			case refusedWith(err, api.CodeNotFound):
				found[i] = nil
			case err != nil:
				return err
			default:
				found[i] = viewOf(out.Association)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(v *associationView) bool { return v == nil }), nil
}
