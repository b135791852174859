//go:build e2e

package node_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// roles are what this program does instead of tests, isolated, when it is started with nothing but one of these words.
var roles = map[string]func() int{
	leave:  leaveTraces,
	"fail": func() int { return 7 },
	"die": func() int {
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	},
	"look": look,
}

const leave = "leave"

// play is this program in a role, as if it were started by itself: isolated within what isolates these tests.
func play(role string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", role)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(of string) bool { return strings.HasPrefix(of, "PODPASS_TEST_ISOLATED=") })
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// The exit code of what ran inside is the program's.
func TestIsolatedExitCode(t *testing.T) {
	before := traces(t)
	for role, want := range map[string]int{"look": 0, "fail": 7, "die": 128 + 9} {
		out, err := play(role).Output()
		code := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != want {
			t.Errorf("%s ended with %d, not %d\n%s", role, code, want, out)
		}
	}
	wantTraces(t, before)
}

// look finds fault with the namespaces it is in.
func look() int {
	fault := func() error {
		processes, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		count := 0
		for _, entry := range processes {
			if strings.Trim(entry.Name(), "0123456789") == "" {
				count++
			}
		}
		if count != 2 { // process 1 and this
			return fmt.Errorf("there are %d processes", count)
		}
		out, err := exec.Command("ip", "-br", "link").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		if strings.Count(string(out), "\n") != 1 || !strings.HasPrefix(string(out), "lo ") {
			return fmt.Errorf("there are more links than loopback:\n%s", out)
		}
		return os.WriteFile("/var/trace", nil, 0o644) // to be found outside, were it one
	}()
	if fault != nil {
		fmt.Println(fault)
		return 1
	}
	return 0
}
