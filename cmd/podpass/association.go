package main

import (
	"github.com/spf13/cobra"
)

func (a *app) association() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "association",
		Short: "Give service accounts their roles through Pod Identity",
		Example: `  podpass association create -n shop web --role web
  podpass association describe -n shop web`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(
		a.associationCreate(), a.associationList(), a.associationDescribe(), a.associationUpdate(), a.associationDelete(), a.associationWait(),
	)
	return cmd
}
