package kubernetes

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Image writes a docker-archive tarball of an image that holds these files (path in the image: file on this machine), executable by everybody, and nothing else:
// they are static binaries, or what such read.
func Image(ctx context.Context, path, reference string, files map[string]string, entrypoint ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tag, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("image %s: %w", reference, err)
	}
	content, err := archive(files)
	if err != nil {
		return fmt.Errorf("image %s: %w", reference, err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{Entrypoint: entrypoint, WorkingDir: "/", Env: []string{"PATH=/"}}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return err
	}
	return tarball.WriteToFile(path, tag, image)
}

// archive is the one layer.
func archive(files map[string]string) ([]byte, error) {
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for _, at := range slices.Sorted(maps.Keys(files)) {
		body, err := os.ReadFile(files[at])
		if err != nil {
			return nil, err
		}
		header := &tar.Header{Name: strings.TrimPrefix(at, "/"), Mode: 0o755, Size: int64(len(body)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
	}
	return content.Bytes(), w.Close()
}
