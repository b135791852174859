package main

import (
	"context"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"

	"github.com/podpass/podpass/cluster"
)

// completeSTSTarget completes kinds, and the names of a kind that the cluster has, as long as it answers within a moment.
func (a *app) completeSTSTarget(c *stsPlace, skip int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch {
		case len(args) < skip:
			return []string{"regional", "global", "default"}, cobra.ShellCompDirectiveNoFileComp
		case len(args) == skip:
			var words []string
			for _, k := range stsKinds {
				words = append(words, k.words[0])
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		}
		kind, err := stsKind(args[skip])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.namesOf(cmd.Context(), c, kind), cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *app) namesOf(ctx context.Context, c *stsPlace, kind string) (names []string) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	k, namespace, err := a.kubeClient(&c.clusterConnection)
	if err != nil {
		return nil
	}
	if c.namespace != "" {
		namespace = c.namespace
	}
	switch kind {
	case "ServiceAccount":
		_ = k.ServiceAccounts().Each(ctx, namespace, func(object *core.ServiceAccount) error {
			names = append(names, object.Name)
			return nil
		})
	case "Pod":
		_ = k.Pods().Each(ctx, cluster.Which{Namespace: namespace}, func(pod *core.Pod) error {
			names = append(names, pod.Name)
			return nil
		})
	case "Namespace":
		seen := map[string]bool{}
		_ = k.ServiceAccounts().Each(ctx, "", func(object *core.ServiceAccount) error {
			if !seen[object.Namespace] {
				seen[object.Namespace] = true
				names = append(names, object.Namespace)
			}
			return nil
		})
	default:
		all, _ := k.Workloads().Read(ctx, namespace)
		for _, w := range all.All() {
			if w.Kind == kind {
				names = append(names, w.Name)
			}
		}
	}
	return names
}
