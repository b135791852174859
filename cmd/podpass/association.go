package main

import (
	"github.com/spf13/cobra"
)

func (a *app) association() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "association",
		Short: "Give service accounts their roles through Pod Identity",
		Example: `  podpass association wait -n shop web
  podpass association wait a-abcdefghijklmnop1 --deleted`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.associationWait())
	return cmd
}
