package isolated

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The environment tells a process which of the parts it plays, and the name of the run's cgroup.
const (
	part       = "PODPASS_TEST_ISOLATED"
	partKeeper = "keeper"
	partFirst  = "first"
	partInside = "inside"

	groupName = "PODPASS_TEST_CGROUP"
)

// Run calls prepare outside and then inside in the namespaces, where the working directory is the same, and returns the exit code for os.Exit.
func Run(prepare func() error, inside func() int) int {
	var err error
	var code int
	switch os.Getenv(part) {
	case partInside:
		return inside()
	case partKeeper:
		err = keep(os.Getenv(groupName))
	case partFirst:
		code, err = first()
	default:
		code, err = outside(prepare)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "isolated:", err)
		return 1
	}
	return code
}

// Inside says whether this process runs in the namespaces of Run.
func Inside() bool { return os.Getenv(part) == partInside }

// Group is the name of the cgroup that is removed, with all below it, when the run ends. Nobody has made it yet.
func Group() string { return os.Getenv(groupName) }

func outside(prepare func() error) (int, error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("namespaces and mounts need root\n  try: sudo make e2e")
	}
	runtime.LockOSThread() // a parent's death, to the kernel, is that of the thread which made the child
	// go test killed kills this too: the kernel says nothing of the kind to orphans by itself.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return 0, fmt.Errorf("prctl: %w", err)
	}
	if err := prepare(); err != nil {
		return 0, err
	}
	// A run within another one names itself after that.
	group := cmp.Or(Group(), "podpass-test") + "-" + strings.ToLower(rand.Text()[:8])
	keeper, err := startKeeper(group)
	if err != nil {
		return 0, err
	}
	code, err := runFirst(group)
	return code, errors.Join(err, keeper.finish())
}

// runFirst starts process 1 of new namespaces, and returns its exit code.
func runFirst(group string) (int, error) {
	cmd := again(partFirst, group)
	cmd.Args = append(cmd.Args, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("new namespaces: %w", err)
	}
	defer pass(cmd.Process)()
	return exitCode(cmd.Wait())
}

// again is this very program, in another part.
func again(as, group string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), part+"="+as, groupName+"="+group)
	return cmd
}

// pass hands the signals that end a test on to the process, until the function it returns is called.
func pass(to *os.Process) func() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	go func() {
		for s := range signals {
			_ = to.Signal(s) // it may have ended
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

// exitCode is what a shell would make of it: 128 and the signal's number for one that was killed.
func exitCode(err error) (int, error) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return 0, err
	}
	if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
