package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/install"
)

func (a *app) installImages() *cobra.Command {
	c := &releaseConfig{}
	var output format
	cmd := &cobra.Command{
		Use:   "images [flags]",
		Short: "List the images an installation runs, by digest",
		Long: `List the images an installation runs, by digest, for mirroring: whatever a cluster with no internet has to pull is in this list. The flags are
those of podpass install.`,
		Example: `  podpass install images --image registry.example/podpass
  podpass install images --image registry.example/podpass | xargs -I{} crane copy {} mirror.internal/podpass`,
		Args: exactly(),
	}
	c.flags(cmd.Flags())
	outputFlag(cmd, &output)
	return action(a, cmd, nil, func(ctx context.Context, _ []string) error {
		if c.clusterName == "" && len(c.files)+len(c.sets) == 0 {
			c.clusterName = "any" // the images are the same whatever the cluster is called
		}
		values, err := c.values(a, false)
		if err != nil {
			return err
		}
		m, err := install.Render(ctx, values, buildVersion())
		if err != nil {
			return (&clusterConnection{}).explain(err)
		}
		rows := [][]string{}
		for _, name := range m.Images() {
			rows = append(rows, []string{name})
		}
		return output.print(a.Out, map[string][]string{"images": m.Images()}, nil, rows)
	})
}
