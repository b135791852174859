package image

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A Binary is an executable an image can be made of: for Linux, and linked statically.
type Binary struct {
	path         string
	size         int64
	architecture string // as Go and OCI name it
	version      string // of the module, "" if the file does not say
	revision     string // of the source, "" if the file does not say
}

// architectures are those Kubernetes runs on, by what an ELF header calls them.
var architectures = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_PPC64: "ppc64le", elf.EM_S390: "s390x", elf.EM_RISCV: "riscv64",
}

// ErrNotStatic says that a file is not the kind of executable an image can be made of.
var ErrNotStatic = errors.New("not a static Linux binary")

// Open looks at an executable. platform is what it should be for, such as linux/arm64, or "" for whatever it is for.
func Open(path, platform string) (*Binary, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := &Binary{path: path, size: info.Size()}
	if b.architecture, err = staticLinux(f); err != nil {
		return nil, fmt.Errorf("%s is %w", path, err)
	}
	if platform != "" && platform != b.Platform() {
		return nil, fmt.Errorf("%s is for %s, not for %s", path, b.Platform(), platform)
	}
	// A binary that does not say its version makes an image without one.
	if build, err := buildinfo.Read(f); err == nil {
		b.version = build.Main.Version
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				b.revision = s.Value
			}
		}
	}
	return b, nil
}

// Platform is what the binary runs on, such as linux/amd64.
func (b *Binary) Platform() string { return "linux/" + b.architecture }

// staticLinux is the architecture of an executable that needs nothing but a Linux kernel.
func staticLinux(r io.ReaderAt) (architecture string, err error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return "", fmt.Errorf("%w: no ELF file", ErrNotStatic)
	}
	defer f.Close()
	switch {
	// Go's linker leaves the field at 0 for Linux and names every other system.
	case f.OSABI != elf.ELFOSABI_NONE && f.OSABI != elf.ELFOSABI_LINUX:
		return "", fmt.Errorf("%w: it is for %s", ErrNotStatic, strings.TrimPrefix(f.OSABI.String(), "ELFOSABI_"))
	case f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN:
		return "", fmt.Errorf("%w: no executable", ErrNotStatic)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "", fmt.Errorf("%w: it is linked dynamically", ErrNotStatic)
		}
	}
	architecture, ok := architectures[f.Machine]
	if !ok {
		return "", fmt.Errorf("%w that Kubernetes runs on: %s", ErrNotStatic, f.Machine)
	}
	return architecture, nil
}
