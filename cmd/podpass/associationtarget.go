package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/spf13/cobra"
)

// associationTarget says which association describe, update and delete are about.
type associationTarget struct {
	connectConfig
	cluster, namespace string
	output             format

	id      string // or
	account string // a service account in namespace; either may be a glob, which then is meant as it stands
}

const targetArgument = "{ID | [-n NAMESPACE] SERVICEACCOUNT}"

func (c *associationTarget) bind(cmd *cobra.Command) {
	c.flags(cmd.Flags())
	cmd.Flags().StringVarP(&c.namespace, "namespace", "n", "", "`namespace` of the service account (default \"default\")")
	c.clusterFlag(cmd.Flags(), &c.cluster, "`name` of the cluster")
	outputFlag(cmd, &c.output)
}

// check tells an id from a service account. One that is named like an id is meant where a namespace is given.
func (c *associationTarget) check(argument string) []error {
	if c.namespace == "" && isAssociationID(argument) {
		c.id = argument
		return nil
	}
	if c.account = argument; c.namespace == "" {
		c.namespace = "default"
	}
	if err := identity.CheckGlobs(c.namespace, c.account); err != nil {
		return []error{err}
	}
	return nil
}

// isAssociationID reports whether a text looks like what podpass association create prints: a- and 17 lower-case letters and digits.
func isAssociationID(text string) bool {
	rest, ok := strings.CutPrefix(text, "a-")
	return ok && len(rest) == 17 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// find gets the association that names the service account, or the globs, exactly so. It is nil where there is none.
func (c *associationTarget) find(ctx context.Context, client *eks.Client) (*associationView, error) {
	id := c.id
	if id == "" {
		out, err := client.ListPodIdentityAssociations(ctx, &eks.ListPodIdentityAssociationsInput{
			ClusterName: &c.cluster, Namespace: &c.namespace, ServiceAccount: &c.account,
		})
		if err != nil {
			return nil, err
		}
		if len(out.Associations) == 0 {
			return nil, nil
		}
		id = aws.ToString(out.Associations[0].AssociationId)
	}
	out, err := client.DescribePodIdentityAssociation(ctx, &eks.DescribePodIdentityAssociationInput{ClusterName: &c.cluster, AssociationId: &id})
	if err != nil {
		return nil, err
	}
	return viewOf(out.Association), nil
}

// governing is the association a service account has: the one that names it, else that of the globs that come first. It is nil where there is
// none.
func (c *associationTarget) governing(ctx context.Context, client *eks.Client) (*associationView, error) {
	found, err := c.find(ctx, client)
	if found != nil || err != nil || c.id != "" || (identity.Globs{Namespace: c.namespace, ServiceAccount: c.account}).Wild() {
		return found, err
	}
	all, err := listAssociations(ctx, client, &eks.ListPodIdentityAssociationsInput{ClusterName: &c.cluster})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(v *associationView) bool {
		return !v.globs().Match(identity.ServiceAccount{Namespace: c.namespace, Name: c.account})
	})
	if len(all) == 0 {
		return nil, nil
	}
	inPrecedence(all)
	byID := &associationTarget{cluster: c.cluster, id: all[0].AssociationID}
	return byID.find(ctx, client)
}

// inPrecedence puts those of single service accounts first, which go before all globs, by name, and then the globs in the order in which they
// are tried.
func inPrecedence(list []*associationView) {
	slices.SortFunc(list, func(a, b *associationView) int {
		switch wild := a.globs().Wild(); {
		case wild != b.globs().Wild() && wild:
			return 1
		case wild != b.globs().Wild():
			return -1
		case wild:
			return a.globs().Compare(b.globs())
		}
		return strings.Compare(a.account(), b.account())
	})
}

// listAssociations gets every page of summaries.
func listAssociations(ctx context.Context, client *eks.Client, in *eks.ListPodIdentityAssociationsInput) ([]*associationView, error) {
	var all []*associationView
	in.MaxResults = aws.Int32(100)
	for pages := eks.NewListPodIdentityAssociationsPaginator(client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Associations {
			all = append(all, &associationView{
				ClusterName: aws.ToString(a.ClusterName), Namespace: aws.ToString(a.Namespace), ServiceAccount: aws.ToString(a.ServiceAccount),
				AssociationARN: aws.ToString(a.AssociationArn), AssociationID: aws.ToString(a.AssociationId), OwnerARN: aws.ToString(a.OwnerArn),
			})
		}
	}
	return all, nil
}

// none says that there is no such association, and what to do.
func (c *associationTarget) none(hint string) error {
	return failed(hint, "service account %s/%s of cluster %s has no association", c.namespace, c.account, c.cluster)
}

// createHint is the command that gives a service account a role.
func createHint(cluster, namespace, name string) string {
	return fmt.Sprintf("podpass association create%s -n %s %s --role ROLE", inCluster(cluster), shellPath(namespace), shellPath(name))
}

// inCluster is the flag that names a cluster other than the default.
func inCluster(cluster string) string {
	if cluster == defaultCluster {
		return ""
	}
	return " --cluster " + shellPath(cluster)
}

// explainAssociation gives an error of the EKS API the hint that fits it, help where a parameter is refused.
func (conn *connection) explainAssociation(err error, cluster, help string) error {
	err = refusal(err)
	switch {
	case refusedWith(err, api.CodeNotFound) && strings.Contains(err.Error(), "ssociation"):
		return failed("podpass association list"+inCluster(cluster), "%w", err)
	case refusedWith(err, api.CodeNotFound):
		return failed("podpass cluster list", "%w", err)
	case refusedWith(err, "InvalidParameterException") && strings.Contains(err.Error(), "ole provided"):
		return failed("podpass apply --help   # how to write a role that trusts Pod Identity", "%w", err)
	case refusedWith(err, "InvalidParameterException") && (strings.Contains(err.Error(), "upstream") || strings.Contains(err.Error(), "another STS")):
		return failed("podpass account list   # whose roles its clusters may use", "%w", err)
	case refusedWith(err, "InvalidParameterException"), refusedWith(err, "InvalidRequestException"):
		return failed(help, "%w", err)
	}
	return conn.explain(err)
}
