package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBackProgram takes the pages of the program's own file out of this process, to which they come back one by one as they are needed. One binary
// holds every command, and Go initialises the packages of all of them: what only that has read is half of what an agent or a webhook holds resident. It
// returns how many bytes of address space it was about.
func giveBackProgram() (bytes uint64) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return 0
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return 0
	}
	defer maps.Close()
	for _, m := range unchanged(maps, program) {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(m.from), uintptr(m.to-m.from), unix.MADV_DONTNEED); errno == 0 {
			bytes += m.to - m.from
		}
	}
	return bytes
}

type mapping struct{ from, to uint64 }

// unchanged are the mappings of a file in a process's smaps that cannot be written to and hold nothing of the process's own: only such a page has its
// like in the file. See proc(5).
func unchanged(smaps io.Reader, file string) (all []mapping) {
	var current mapping
	candidate := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 5 && !strings.HasSuffix(fields[0], ":"): // from-to perms offset dev inode path
			n, _ := fmt.Sscanf(fields[0], "%x-%x", &current.from, &current.to)
			candidate = n == 2 && len(fields) == 6 && fields[5] == file && !strings.Contains(fields[1], "w")
		case candidate && fields[0] == "Anonymous:":
			if candidate = false; fields[1] == "0" {
				all = append(all, current)
			}
		}
	}
	return all
}
