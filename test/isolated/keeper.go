package isolated

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/podpass/podpass/test/isolated/cgroup"
)

// keeper is a process that waits until the one which started it has ended or says it is done, and then removes the cgroup. It is in a session
// of its own, where no signal to the tests' process group reaches it.
type keeper struct {
	cmd  *exec.Cmd
	lead *os.File // closed when this process ends, whatever way
}

func startKeeper(group string) (*keeper, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	k := &keeper{cmd: again(partKeeper, group), lead: w}
	k.cmd.Stdin = r // its output is nobody's: go test would wait for whoever holds its own
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := k.cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("the keeper: %w", err)
	}
	return k, nil
}

// finish returns when all is removed.
func (k *keeper) finish() error {
	k.lead.Close()
	if err := k.cmd.Wait(); err != nil {
		return fmt.Errorf("cgroups are left below /sys/fs/cgroup: %w", err)
	}
	return nil
}

func keep(group string) error {
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	g, err := cgroup.Named(group)
	if err != nil {
		return err
	}
	return g.Remove()
}
