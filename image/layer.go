package image

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// entry is a file or directory of a layer. All belong to root and are of no time, for an image must not depend on who made it when.
type entry struct {
	name    string // a directory's ends with /
	mode    int64
	content []byte
	file    string // where the content is read from instead
	size    int64  // of file
}

// The user of /etc/passwd: what a pod runs as that says nothing, and what runAsNonRoot can check, as it has a number.
const user = "65532"

// base is what every image has besides the binary. Images of different versions share it.
func base() []entry {
	return []entry{
		{name: "etc/", mode: 0o755},
		{name: "etc/group", mode: 0o644, content: []byte("root:x:0:\npodpass:x:" + user + ":\n")},
		{name: "etc/passwd", mode: 0o644, content: []byte("root:x:0:0:root:/:/sbin/nologin\npodpass:x:" + user + ":" + user + ":podpass:/tmp:/sbin/nologin\n")},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: certificates()},
		{name: "tmp/", mode: 0o1777},
	}
}

// certificates are Mozilla's root certificates, without those whose conditions a file cannot express: the certificates that were issued after
// a day, say, are not to be believed. A file, and not a bundle the binary falls back on, since Go reads SSL_CERT_DIR in addition to it:
// a company's own CA is added by mounting it.
func certificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a bytes.Buffer takes everything
		}
	}
	return out.Bytes()
}

// layer is the entries as a compressed layer, which is kept in memory, and not each file of it.
func layer(entries []entry) (v1.Layer, error) {
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(writeTar(w, entries)) }()
		return r, nil
	}, tarball.WithCompressedCaching, tarball.WithMediaType(types.OCILayer))
}

func writeTar(w io.Writer, entries []entry) error {
	tw := tar.NewWriter(w)
	for _, e := range entries {
		if err := e.write(tw); err != nil {
			return err
		}
	}
	return tw.Close()
}

func (e entry) write(tw *tar.Writer) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: int64(len(e.content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	switch {
	case e.file != "":
		h.Size = e.size
	case e.name[len(e.name)-1] == '/':
		h.Typeflag = tar.TypeDir
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	if e.file == "" {
		_, err := tw.Write(e.content)
		return err
	}
	f, err := os.Open(e.file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(tw, f) // a file that grew or shrank since is an error of tw
	return err
}
