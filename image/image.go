package image

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image is an image of podpass: for one platform, or an index of images for several.
type Image struct {
	single    v1.Image      // nil for several platforms
	index     v1.ImageIndex // nil for one
	platforms []string
	digest    v1.Hash
}

// Build makes the image of one binary, or the index of several, each of another platform. The order does not matter.
func Build(binaries ...*Binary) (*Image, error) {
	binaries = slices.Clone(binaries)
	slices.SortFunc(binaries, func(a, b *Binary) int { return cmp.Compare(a.architecture, b.architecture) })
	base, err := layer(base())
	if err != nil {
		return nil, err
	}
	out := &Image{}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range binaries {
		if slices.Contains(out.platforms, b.Platform()) {
			return nil, fmt.Errorf("there are two binaries for %s", b.Platform())
		}
		out.platforms = append(out.platforms, b.Platform())
		if out.single, err = b.image(base); err != nil {
			return nil, fmt.Errorf("image of %s: %w", b.path, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: out.single, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: b.architecture}},
		})
	}
	switch len(binaries) {
	case 0:
		return nil, errors.New("an image needs a binary")
	case 1:
		out.digest, err = out.single.Digest()
	default:
		out.single, out.index = nil, index
		out.digest, err = index.Digest()
	}
	return out, err
}

// Digest is the digest of the image, or of the index: sha256 and 64 hexadecimal digits.
func (i *Image) Digest() string { return i.digest.String() }

// Platforms are those the image runs on, such as linux/amd64, in order.
func (i *Image) Platforms() []string { return i.platforms }

// image is the image of one platform.
func (b *Binary) image(base v1.Layer) (v1.Image, error) {
	binary, err := layer([]entry{{name: "podpass", mode: 0o755, file: b.path, size: b.size}})
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.AppendLayers(img, base, binary); err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", b.architecture
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		Entrypoint: []string{"/podpass"}, User: user + ":" + user, WorkingDir: "/", Env: []string{"PATH=/", "HOME=/tmp"}, Labels: b.labels(),
	}
	return mutate.ConfigFile(img, config)
}

// labels are the annotations of the OCI image specification that are known.
//
// Source: https://github.com/opencontainers/image-spec/blob/main/annotations.md
func (b *Binary) labels() map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.title":       "podpass",
		"org.opencontainers.image.description": "Short-lived AWS credentials for Kubernetes service accounts",
		"org.opencontainers.image.source":      "https://github.com/podpass/podpass",
		"org.opencontainers.image.licenses":    "Apache-2.0",
	}
	for label, value := range map[string]string{"version": b.version, "revision": b.revision} {
		if value != "" {
			labels["org.opencontainers.image."+label] = value
		}
	}
	return labels
}
