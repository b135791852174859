package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/install"
)

func (a *app) installHistory() *cobra.Command {
	c := &clusterConnection{}
	var output format
	cmd := &cobra.Command{
		Use:     "history [flags]",
		Short:   "List the revisions that were installed",
		Example: "  podpass install history",
		Args:    exactly(),
	}
	c.flags(cmd.Flags())
	outputFlag(cmd, &output)
	return action(a, cmd, nil, func(ctx context.Context, _ []string) error {
		in, err := a.kubernetes(c)
		if err != nil {
			return err
		}
		revisions, err := in.History(ctx)
		if err != nil {
			return c.explain(err)
		}
		rows := make([][]string, 0, len(revisions))
		for _, r := range revisions {
			rows = append(rows, revisionRow(r))
		}
		return output.print(a.Out, map[string][]install.Revision{"revisions": revisions}, []string{"REVISION", "UPDATED", "STATUS", "VERSION", "IMAGE", "DESCRIPTION"}, rows)
	})
}

func (a *app) installRollback() *cobra.Command {
	c := &clusterConnection{}
	var output format
	revision := 0
	cmd := &cobra.Command{
		Use:   "rollback [REVISION] [flags]",
		Short: "Install an earlier revision again",
		Long: `Install an earlier revision again, and wait until it is ready: REVISION, or the one that was deployed before. It becomes a new revision. It is also
the way out where an installation was ended before it was done.`,
		Example: `  podpass install rollback
  podpass install rollback 3`,
		Args: func(_ *cobra.Command, args []string) (err error) {
			if len(args) > 1 {
				return usage("podpass install rollback --help", "unexpected argument %q", args[1])
			}
			if len(args) == 1 {
				if revision, err = strconv.Atoi(args[0]); err != nil || revision < 1 {
					return usage("podpass install history", "REVISION must be a number, not %q", args[0])
				}
			}
			return nil
		},
	}
	c.flags(cmd.Flags())
	c.waitFlag(cmd.Flags())
	outputFlag(cmd, &output)
	return action(a, cmd, nil, func(ctx context.Context, _ []string) error {
		in, err := a.kubernetes(c)
		if err != nil {
			return err
		}
		ctx, stop := untilInterrupted(ctx)
		defer stop()
		to, err := in.Rollback(ctx, revision)
		if err != nil {
			return c.explain(err)
		}
		return output.print(a.Out, map[string]int{"rolledBackTo": to}, nil, [][]string{{fmt.Sprintf("revision %d is deployed again", to)}})
	})
}
