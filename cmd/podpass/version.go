package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) version() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this binary",
		Example: "  podpass version",
		Args:    exactly(),
	}
	return action(a, cmd, nil, func(context.Context, []string) error {
		_, err := fmt.Fprintf(a.Out, "podpass %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	})
}

// buildVersion is the module's version as the Go command stamped it: a tag, or a pseudo-version with the commit.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown)"
	}
	return info.Main.Version
}
