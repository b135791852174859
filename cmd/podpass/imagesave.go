package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/image"
)

// localRepository is what an image is called that no registry has.
const localRepository = "podpass.io/podpass"

type imageSaveConfig struct {
	imageConfig
	tag    string
	output format
}

func (a *app) imageSave() *cobra.Command {
	c := &imageSaveConfig{}
	cmd := &cobra.Command{
		Use:   "save FILE [flags]",
		Short: "Write the image to a file that container runtimes import",
		Long: `Write the image as a tar of an OCI layout, to FILE or, with -, to standard output. Where it is imported it goes by --tag and by the same
repository with the digest, which is what podpass install writes into pods.`,
		Example: `  podpass image save podpass.tar --tag registry.example/podpass:v1
  podpass image save - | ctr -n k8s.io images import -
  podpass image save podpass.tar && crane push podpass.tar registry.example/podpass`,
		Args: exactly("FILE"),
	}
	c.flags(cmd.Flags())
	cmd.Flags().StringVar(&c.tag, "tag", localRepository+":latest", "`REPOSITORY[:TAG]` it goes by where it is imported")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func([]string) []error {
		if _, err := image.ParseDestination(c.tag, false); err != nil {
			return []error{fmt.Errorf("--tag: %w", err)}
		}
		return nil
	}, func(_ context.Context, args []string) error { return a.saveImage(c, args[0]) })
}

func (a *app) saveImage(c *imageSaveConfig, file string) error {
	img, err := c.build()
	if err != nil {
		return err
	}
	if file == "-" {
		if terminal(a.Out) {
			return usage("podpass image save podpass.tar", "an image is nothing for a terminal")
		}
		return img.Save(a.Out, c.tag)
	}
	if err := replaceWith(file, func(w io.Writer) error { return img.Save(w, c.tag) }); err != nil {
		return failed("df "+shellPath(filepath.Dir(file)), "%w", err)
	}
	tag, err := image.ParseDestination(c.tag, false)
	if err != nil {
		return err
	}
	view := imageView{Digest: img.Digest(), Reference: tag.Context().Digest(img.Digest()).Name(), Platforms: img.Platforms()}
	return c.output.print(a.Out, view, nil, [][]string{{view.Reference}})
}

// replaceWith writes a file beside path and gives it the name when it is whole.
func replaceWith(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // not there any more once it was renamed
	defer f.Close()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
