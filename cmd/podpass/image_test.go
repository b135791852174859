package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// executable ARCHITECTURE FILE [CONTENT] writes the smallest file an image can be made of.
func executable(ts *testscript.TestScript, _ bool, args []string) {
	machine, ok := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[args[0]]
	if !ok {
		ts.Fatalf("no architecture %s", args[0])
	}
	var out bytes.Buffer
	ts.Check(binary.Write(&out, binary.LittleEndian, elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1},
	}))
	ts.Check(binary.Write(&out, binary.LittleEndian, elf.Prog64{Type: uint32(elf.PT_LOAD), Off: 120}))
	out.WriteString(strings.Join(args[2:], " "))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out.Bytes(), 0o700))
}

// startRegistry starts an empty registry on loopback, whose host:port is $REGISTRY.
func startRegistry(ts *testscript.TestScript, _ bool, _ []string) {
	server := httptest.NewServer(registry.New())
	ts.Defer(server.Close)
	ts.Setenv("REGISTRY", strings.TrimPrefix(server.URL, "http://"))
}
