package image

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Save writes the image as a tar of an OCI layout, which containerd (ctr, nerdctl), Podman, skopeo, crane and Docker from 25 on import. Where it
// is imported it goes by tag, REPOSITORY:TAG, and by REPOSITORY@DIGEST: a pod that names its image by digest finds it without a registry.
//
// Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
func (i *Image) Save(w io.Writer, tag string) error {
	ref, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("tag %q: %w", tag, err)
	}
	a := &archive{tar: tar.NewWriter(w), written: map[v1.Hash]bool{}}
	a.put("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	var described partial.Describable
	if i.index != nil {
		described = i.index
		a.index(i.index)
	} else {
		described = i.single
		a.image(i.single)
	}
	top, err := partial.Descriptor(described)
	if err != nil {
		return err
	}
	manifest := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, as := range []struct{ name, short string }{{ref.Name(), ref.TagStr()}, {ref.Context().Digest(i.Digest()).Name(), ""}} {
		d := *top
		d.Annotations = map[string]string{"io.containerd.image.name": as.name} // what containerd calls it; the other is what everybody else reads
		if as.short != "" {
			d.Annotations["org.opencontainers.image.ref.name"] = as.short
		}
		manifest.Manifests = append(manifest.Manifests, d)
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	a.put("index.json", text)
	if a.err == nil {
		a.err = a.tar.Close()
	}
	return a.err
}

// archive is the tar while it is written; after an error nothing more is.
type archive struct {
	tar     *tar.Writer
	written map[v1.Hash]bool
	err     error
}

func (a *archive) note(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *archive) header(path string, size int64) {
	if a.err == nil {
		a.err = a.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o644, Size: size, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR})
	}
}

func (a *archive) put(path string, content []byte) {
	a.header(path, int64(len(content)))
	if a.err == nil {
		_, a.err = a.tar.Write(content)
	}
}

// blob writes a content-addressed file, once.
func (a *archive) blob(digest v1.Hash, content []byte) {
	if !a.written[digest] {
		a.written[digest] = true
		a.put("blobs/"+digest.Algorithm+"/"+digest.Hex, content)
	}
}

func (a *archive) index(index v1.ImageIndex) {
	manifest, err := index.IndexManifest()
	if err != nil {
		a.note(err)
		return
	}
	for _, d := range manifest.Manifests {
		img, err := index.Image(d.Digest)
		if err != nil {
			a.note(err)
			return
		}
		a.image(img)
	}
	a.manifest(index)
}

func (a *archive) image(img v1.Image) {
	layers, err := img.Layers()
	a.note(err)
	for _, l := range layers {
		a.layer(l)
	}
	config, err := img.RawConfigFile()
	a.note(err)
	digest, err := img.ConfigName()
	a.note(err)
	a.blob(digest, config)
	a.manifest(img)
}

func (a *archive) manifest(m interface {
	RawManifest() ([]byte, error)
	Digest() (v1.Hash, error)
},
) {
	text, err := m.RawManifest()
	a.note(err)
	digest, err := m.Digest()
	a.note(err)
	a.blob(digest, text)
}

func (a *archive) layer(l v1.Layer) {
	digest, err := l.Digest()
	a.note(err)
	size, err := l.Size()
	a.note(err)
	content, err := l.Compressed()
	a.note(err)
	if a.err != nil || a.written[digest] {
		return
	}
	defer content.Close()
	a.written[digest] = true
	a.header("blobs/"+digest.Algorithm+"/"+digest.Hex, size)
	if a.err == nil {
		_, a.err = io.Copy(a.tar, content)
	}
}
