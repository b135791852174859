package image_test

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/podpass/podpass/image"
)

// executable writes the smallest file that is an ELF executable, with content behind its headers.
func executable(t *testing.T, machine elf.Machine, segment elf.ProgType, abi elf.OSABI, content string) string {
	t.Helper()
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1, byte(abi)},
	}
	var out bytes.Buffer
	for _, part := range []any{h, elf.Prog64{Type: uint32(segment), Off: 120}, []byte(content)} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "podpass")
	if err := os.WriteFile(path, out.Bytes(), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func build(t *testing.T, paths ...string) *image.Image {
	t.Helper()
	var binaries []*image.Binary
	for _, path := range paths {
		b, err := image.Open(path, "")
		if err != nil {
			t.Fatal(err)
		}
		binaries = append(binaries, b)
	}
	img, err := image.Build(binaries...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func amd64(t *testing.T, content string) string {
	return executable(t, elf.EM_X86_64, elf.PT_LOAD, elf.ELFOSABI_NONE, content)
}

func arm64(t *testing.T, content string) string {
	return executable(t, elf.EM_AARCH64, elf.PT_LOAD, elf.ELFOSABI_NONE, content)
}

// Where a binary lies, when it was written and in which order binaries are named makes no difference; what is in it does.
func TestTheSameBinariesMakeTheSameImage(t *testing.T) {
	a, b := amd64(t, "one"), arm64(t, "one")
	digest := build(t, a, b).Digest()
	if again := build(t, arm64(t, "one"), amd64(t, "one")).Digest(); again != digest {
		t.Errorf("digest %s, and then %s", digest, again)
	}
	for name, other := range map[string]*image.Image{"another binary": build(t, a, arm64(t, "two")), "one platform less": build(t, a)} {
		if other.Digest() == digest {
			t.Errorf("%s: the digest is the same", name)
		}
	}
}

func TestWhatNoImageIsMadeOf(t *testing.T) {
	text := filepath.Join(t.TempDir(), "podpass")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, platform, want string }{
		"a script":           {text, "", "no ELF file"},
		"linked dynamically": {executable(t, elf.EM_X86_64, elf.PT_INTERP, elf.ELFOSABI_NONE, ""), "", "linked dynamically"},
		"another system":     {executable(t, elf.EM_X86_64, elf.PT_LOAD, elf.ELFOSABI_FREEBSD, ""), "", "it is for FREEBSD"},
		"a strange machine":  {executable(t, elf.EM_68K, elf.PT_LOAD, elf.ELFOSABI_NONE, ""), "", "EM_68K"},
		"another platform":   {amd64(t, ""), "linux/arm64", "is for linux/amd64, not for linux/arm64"},
		"nothing":            {filepath.Join(t.TempDir(), "none"), "", "no such file"},
	} {
		_, err := image.Open(c.path, c.platform)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if ours := errors.Is(err, image.ErrNotStatic); ours != (c.platform == "" && name != "nothing") {
			t.Errorf("%s: ErrNotStatic is %v", name, ours)
		}
	}
	a, err := image.Open(amd64(t, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Build(a, a); err == nil || !strings.Contains(err.Error(), "two binaries for linux/amd64") {
		t.Errorf("two for one platform: %v", err)
	}
	if _, err := image.Build(); err == nil {
		t.Error("an image of nothing was built")
	}
}

// A registry has the image under the digest that was computed, and its files are what a pod needs.
func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	repository := strings.TrimPrefix(server.URL, "http://") + "/tools/podpass"
	img := build(t, amd64(t, "the binary"))
	var sent int64
	pinned, err := img.Push(t.Context(), repository+":v1", image.PushOptions{Progress: func(n, _ int64) { sent = n }})
	if err != nil {
		t.Fatal(err)
	}
	if want := repository + "@" + img.Digest(); pinned != want {
		t.Errorf("pinned as %s, want %s", pinned, want)
	}
	if sent == 0 {
		t.Error("no progress was told")
	}
	for _, reference := range []string{pinned, repository + ":v1"} {
		ref, err := name.ParseReference(reference)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Image(ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(got); err != nil {
			t.Errorf("%s: %v", reference, err)
		}
		if digest, err := got.Digest(); err != nil || digest.String() != img.Digest() {
			t.Errorf("%s has digest %s (%v), want %s", reference, digest, err, img.Digest())
		}
		checkImage(t, got)
	}
	if _, err := img.Push(t.Context(), "Not A Repository", image.PushOptions{}); err == nil {
		t.Error("pushed to a name that is none")
	}
}

func checkImage(t *testing.T, img v1.Image) {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != "amd64" || config.Config.User != "65532:65532" || !cmp.Equal(config.Config.Entrypoint, []string{"/podpass"}) {
		t.Errorf("configuration %+v", config)
	}
	files := map[string]string{}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		content, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for tr := tar.NewReader(content); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			if h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 0 {
				t.Errorf("%s is of %d:%d and of %v", h.Name, h.Uid, h.Gid, h.ModTime)
			}
			if h.Mode&0o022 != 0 && h.Name != "tmp/" {
				t.Errorf("%s may be written by others: %o", h.Name, h.Mode)
			}
			files[h.Name] = string(text)
		}
	}
	if !strings.HasSuffix(files["podpass"], "the binary") {
		t.Errorf("podpass is %q", files["podpass"])
	}
	if !strings.Contains(files["etc/passwd"], "podpass:x:65532:65532:") {
		t.Errorf("passwd is %q", files["etc/passwd"])
	}
	if roots := x509.NewCertPool(); !roots.AppendCertsFromPEM([]byte(files["etc/ssl/certs/ca-certificates.crt"])) {
		t.Error("there are no root certificates")
	} else if n := strings.Count(files["etc/ssl/certs/ca-certificates.crt"], "BEGIN CERTIFICATE"); n < 50 {
		t.Errorf("there are %d root certificates", n)
	}
}

// An archive holds the image under the digest a registry has it under, and the names containerd gives it.
func TestSave(t *testing.T) {
	for what, paths := range map[string][]string{"one platform": {amd64(t, "a")}, "two platforms": {amd64(t, "a"), arm64(t, "b")}} {
		img := build(t, paths...)
		var first, second bytes.Buffer
		for _, w := range []io.Writer{&first, &second} {
			if err := img.Save(w, "registry.example/podpass:v1"); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: two archives differ", what)
		}
		dir := t.TempDir()
		unpack(t, dir, &first)
		index, err := layout.ImageIndexFromPath(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(index); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, d := range manifest.Manifests {
			if d.Digest.String() != img.Digest() {
				t.Errorf("%s: the archive holds %s, want %s", what, d.Digest, img.Digest())
			}
			names = append(names, d.Annotations["io.containerd.image.name"])
		}
		if diff := cmp.Diff([]string{"registry.example/podpass:v1", "registry.example/podpass@" + img.Digest()}, names); diff != "" {
			t.Errorf("%s: names (-want +got):\n%s", what, diff)
		}
	}
	if err := build(t, amd64(t, "a")).Save(io.Discard, "a b"); err == nil {
		t.Error("saved under a name that is none")
	}
}

func unpack(t *testing.T, dir string, archive io.Reader) {
	t.Helper()
	for tr := tar.NewReader(archive); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
