package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/spf13/cobra"

	"github.com/podpass/podpass/image"
)

type imagePushConfig struct {
	imageConfig
	insecure bool
	output   format
}

func (a *app) imagePush() *cobra.Command {
	c := &imagePushConfig{}
	cmd := &cobra.Command{
		Use:   "push REPOSITORY[:TAG] [flags]",
		Short: "Push the image to a registry",
		Long: `Push the image to a registry, and print the reference that will always mean it: REPOSITORY@DIGEST. What the registry has already is not sent
again. The user is the one Docker's configuration has for the registry (docker login, crane auth login, or a credential helper).`,
		Example: `  podpass image push registry.example/tools/podpass:v1
  podpass image push 111122223333.dkr.ecr.us-west-2.amazonaws.com/podpass -o json`,
		Args: exactly("REPOSITORY[:TAG]"),
	}
	c.flags(cmd.Flags())
	cmd.Flags().BoolVar(&c.insecure, "insecure", false, "speak plain HTTP where the registry does not answer HTTPS")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func(args []string) []error {
		if _, err := image.ParseDestination(args[0], c.insecure); err != nil {
			return []error{err}
		}
		return nil
	}, func(ctx context.Context, args []string) error { return a.pushImage(ctx, c, args[0]) })
}

func (a *app) pushImage(ctx context.Context, c *imagePushConfig, destination string) error {
	img, err := c.build()
	if err != nil {
		return err
	}
	options := image.PushOptions{Insecure: c.insecure}
	if terminal(a.Err) {
		options.Progress = func(sent, total int64) {
			if total > 0 {
				fmt.Fprintf(a.Err, "\rpodpass: %d of %d MB", sent>>20, total>>20)
			}
		}
		defer fmt.Fprintln(a.Err)
	}
	pinned, err := img.Push(ctx, destination, options)
	if err != nil {
		return explainPush(err, destination)
	}
	return c.output.print(a.Out, imageView{Digest: img.Digest(), Reference: pinned, Platforms: img.Platforms()}, nil, [][]string{{pinned}})
}

// explainPush says what to do about a registry's refusal.
func explainPush(err error, destination string) error {
	ref, parse := image.ParseDestination(destination, false)
	if refused := (*transport.Error)(nil); parse == nil && errors.As(err, &refused) && (refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden) {
		return failed("docker login "+ref.RegistryStr()+"   # or crane auth login", "the registry refuses to take the image: %w", err)
	}
	if parse != nil {
		return err
	}
	return failed("curl -sS https://"+ref.RegistryStr()+"/v2/   # does it answer? Where it speaks plain HTTP only, add --insecure", "pushing to %s: %w", destination, err)
}
