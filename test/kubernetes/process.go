package kubernetes

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// process is a server of the cluster; its output is a file, of which a failure shows the end.
type process struct {
	name, log string
	cmd       *exec.Cmd
	ended     chan struct{} // closed when it has
}

// launch starts argv. The kernel ends it should the test's process die without doing so.
func launch(name, log string, argv ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{name: name, log: log, cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is of no interest: nobody asked it to, or we killed it
	}()
	return p, nil
}

// kill ends the process at once, which its state does not outlive anyway, and returns when it has ended.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// tail is the end of its log.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return p.name + " said at last:\n" + strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// portTaken says that somebody else took a port between our choosing it and the process's listening on it.
func (p *process) portTaken() bool {
	text, err := os.ReadFile(p.log)
	return err == nil && strings.Contains(string(text), "address already in use")
}
