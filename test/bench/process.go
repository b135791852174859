package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is a server started for the measurement. It is ready when it has printed a line beginning "ready ".
type process struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration // from start to the line
}

func start(argv ...string) (*process, error) { return startWith(nil, argv...) }

// startWith is start with an environment of its own; nil is ours.
func startWith(env []string, argv ...string) (*process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	p.ready = time.Since(began)
	fields := strings.Fields(line)
	if err != nil || len(fields) < 2 || fields[0] != "ready" {
		p.stop()
		return nil, fmt.Errorf("%s printed %q: %w", strings.Join(argv, " "), line, err)
	}
	p.url = fields[1]
	go io.Copy(io.Discard, stdout)
	return p, nil
}

func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	return p.cmd.Wait()
}

// anonymous is the process's anonymous resident memory in bytes.
func (p *process) anonymous() (int64, error) { return p.status("RssAnon") }

// resident is all of its resident memory in bytes, its program and libraries included, now and at most since it was started.
func (p *process) resident() (now, peak int64, err error) {
	if now, err = p.status("VmRSS"); err != nil {
		return 0, 0, err
	}
	peak, err = p.status("VmHWM")
	return now, peak, err
}

// status is a size in bytes from /proc/PID/status, see proc(5).
func (p *process) status(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, name+": %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("no %s in /proc/%d/status", name, p.cmd.Process.Pid)
}
