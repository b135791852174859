package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/podpass/podpass/image"
)

func (a *app) image() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Make the container image of this binary, with no Docker",
		Long: `Make the container image of this binary: the binary, root certificates, and a user that is not root. The same binary always makes the same image,
so its digest is known before anything is pushed, and podpass install pins it.`,
		Example: `  podpass image push registry.example/podpass
  podpass image save podpass.tar && ctr -n k8s.io images import podpass.tar
  podpass image push registry.example/podpass --binary linux/amd64=bin/amd64/podpass --binary linux/arm64=bin/arm64/podpass`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.imageSave(), a.imagePush(), a.imageDigest())
	return cmd
}

// imageConfig says of which binaries an image is made.
type imageConfig struct{ binaries []string }

func (c *imageConfig) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&c.binaries, "binary", nil, "`PLATFORM=FILE` of a static binary instead of this one, such as linux/arm64=podpass-arm64; may be repeated, for one image of several platforms")
}

// buildHint makes a binary an image can be made of.
const buildHint = "CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -trimpath -o podpass-linux ./cmd/podpass   # then --binary linux/amd64=podpass-linux"

// build makes the image. It makes no call.
func (c *imageConfig) build() (*image.Image, error) {
	given := c.binaries
	if len(given) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, failed(buildHint, "this binary: %w", err)
		}
		given = []string{"=" + self}
	}
	var binaries []*image.Binary
	var problems []error
	for _, text := range given {
		platform, path, _ := strings.Cut(text, "=")
		if len(c.binaries) > 0 && (path == "" || !strings.HasPrefix(platform, "linux/")) {
			problems = append(problems, fmt.Errorf("--binary must be PLATFORM=FILE, such as linux/arm64=podpass-arm64, not %q", text))
			continue
		}
		b, err := image.Open(path, platform)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		binaries = append(binaries, b)
	}
	if len(problems) > 0 {
		return nil, usage(imageHint(problems), "%w", errors.Join(problems...))
	}
	img, err := image.Build(binaries...)
	if err != nil {
		return nil, usage("podpass image --help", "%w", err)
	}
	return img, nil
}

func imageHint(problems []error) string {
	if slices.ContainsFunc(problems, func(err error) bool { return errors.Is(err, image.ErrNotStatic) }) {
		return buildHint
	}
	return "podpass image --help"
}

// imageView is an image as -o json shows it.
type imageView struct {
	Digest    string   `json:"digest"`
	Reference string   `json:"reference,omitempty"` // REPOSITORY@DIGEST, or what an archive calls it
	Platforms []string `json:"platforms"`
}
