package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/podpass/podpass/api"
)

// noRole says that nothing names a role, and which ones would work.
func (conn *connection) noRole(ctx context.Context, c *runConfig, w *workload, self string) error {
	what := fmt.Sprintf("no role for service account %s: it has neither an association nor the annotation %s", c.account(), api.RoleARNAnnotation)
	cluster := c.cluster
	if c.kubeconfig != "" {
		var err error
		if cluster, err = conn.clusterOf(ctx, w); err != nil {
			return err
		}
		if cluster == "" {
			return usage("podpass cluster register NAME"+c.from(), "%s\nno role trusts it either: the cluster of kubeconfig %s is not registered", what, c.kubeconfig)
		}
	}
	trusting, err := conn.RolesFor(ctx, api.ServiceAccountName{Cluster: cluster, Namespace: c.namespace, Name: c.name})
	if err != nil || len(trusting.Roles) == 0 {
		return usage("podpass apply --help   # how to write a role that trusts it", "%s\nno role trusts it either, as an account of cluster %s", what, cluster)
	}
	hints := make([]string, 0, len(trusting.Roles))
	for _, role := range trusting.Roles {
		hints = append(hints, fmt.Sprintf("%s -n %s %s%s --role-arn %s -- %s", self, c.namespace, c.name, c.from(), role, shellWords(c.command)))
	}
	more := ""
	if trusting.Truncated {
		more = " (and more)"
	}
	return usage(strings.Join(hints, "\n"), "%s\nroles that would trust it%s:\n%s", what, more, strings.Join(trusting.Roles, "\n"))
}

// noAssociation says that Pod Identity was asked for and the service account has none.
func (c *runConfig) noAssociation(cluster string) error {
	return usage(createHint(cluster, c.namespace, c.name), "service account %s of cluster %s has no association, which is what gives it a role through Pod Identity", c.account(), cluster)
}

// shellWords is a command as it can be typed again.
func shellWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = shellPath(w)
	}
	return strings.Join(out, " ")
}
