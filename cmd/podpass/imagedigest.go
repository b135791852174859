package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) imageDigest() *cobra.Command {
	c := &imageConfig{}
	var output format
	cmd := &cobra.Command{
		Use:   "digest [flags]",
		Short: "Print the digest of the image",
		Example: `  podpass image digest
  podpass image digest --binary linux/amd64=bin/amd64/podpass --binary linux/arm64=bin/arm64/podpass`,
		Args: exactly(),
	}
	c.flags(cmd.Flags())
	outputFlag(cmd, &output)
	return action(a, cmd, nil, func(context.Context, []string) error {
		img, err := c.build()
		if err != nil {
			return err
		}
		return output.print(a.Out, imageView{Digest: img.Digest(), Platforms: img.Platforms()}, nil, [][]string{{img.Digest()}})
	})
}
