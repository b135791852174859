package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A program goes on without its pages, and has most of them no more.
func TestGiveBackProgram(t *testing.T) {
	before := residentFile(t)
	given := giveBackProgram()
	if after := residentFile(t); given == 0 || after > before/2 {
		t.Errorf("of %d kB of files %d kB are resident after %d bytes were given back", before, after, given)
	}
}

func residentFile(t *testing.T) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, "RssFile: %d kB", &kB); n == 1 {
			return kB
		}
	}
	t.Fatal("no RssFile")
	return 0
}

// What a process has written to is not in the file, and must stay.
func TestUnchangedMappings(t *testing.T) {
	entry := func(head, anonymous string) string {
		return head + "\nSize: 4 kB\nRss: 4 kB\nAnonymous: " + anonymous + " kB\nVmFlags: rd ex mr mw me\n"
	}
	smaps := entry("00400000-02a3d000 r-xp 00000000 08:01 131 /bin/podpass", "0") +
		entry("02a3d000-054b2000 r--p 0263d000 08:01 131 /bin/podpass", "0") +
		entry("054b2000-054c0000 r--p 050b2000 08:01 131 /bin/podpass", "12") + // relocated, then protected
		entry("054c0000-055d7000 rw-p 050b2000 08:01 131 /bin/podpass", "0") +
		entry("055d7000-07640000 rw-p 00000000 00:00 0", "900") +
		entry("08000000-09000000 r--p 00000000 08:01 132 /bin/other", "0") +
		entry("09000000-0a000000 r--p 00000000 08:01 133 /bin/podpass (deleted)", "0")
	want := []mapping{{0x400000, 0x2a3d000}, {0x2a3d000, 0x54b2000}}
	if diff := cmp.Diff(want, unchanged(strings.NewReader(smaps), "/bin/podpass"), cmp.AllowUnexported(mapping{})); diff != "" {
		t.Error(diff)
	}
}
