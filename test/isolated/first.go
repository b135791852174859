package isolated

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// first is process 1: it furnishes the namespaces, runs the tests as a child and returns their exit code. With it everything in the namespaces ends.
func first() (int, error) {
	runtime.LockOSThread()
	if err := furnish(); err != nil {
		return 0, err
	}
	cmd := again(partInside, Group())
	cmd.Args = append(cmd.Args, os.Args[1:]...)
	cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer pass(cmd.Process)()
	return reap(cmd.Process.Pid)
}

// reap waits for every process that is or becomes a child of this one, until that with the id ends.
func reap(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait4: %w", err)
		case ended == pid && status.Signaled():
			return 128 + int(status.Signal()), nil
		case ended == pid:
			return status.ExitStatus(), nil
		}
	}
}

// temporary is where the tests' temporary directories are: a path short enough for the sockets in them.
const temporary = "/run/tmp"

// furnish gives the namespaces their own /proc, /run and /var, and loopback. What is written below the latter two is in memory, and nowhere else.
func furnish() error {
	mount := func(source, target, kind string, flags uintptr, data string) error {
		if err := unix.Mount(source, target, kind, flags, data); err != nil {
			return fmt.Errorf("mounting %s on %s: %w", kind, target, err)
		}
		return nil
	}
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil { // nothing of what follows shows outside
		return err
	}
	if err := mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	const upper, work = "/run/var/upper", "/run/var/work"
	for _, dir := range []string{temporary, upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(temporary, 0o777|os.ModeSticky); err != nil {
		return err
	}
	if err := mount("overlay", "/var", "overlay", 0, "lowerdir=/var,upperdir="+upper+",workdir="+work); err != nil {
		return err
	}
	// A node shares its mounts with its containers: from here on, within these namespaces.
	if err := mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return err
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link set lo up: %w\n%s", err, out)
	}
	return nil
}
