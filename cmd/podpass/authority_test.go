package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// authority is the long-running podpass of a script.
type authority struct {
	cmd *exec.Cmd
	log *bufio.Reader // of its standard error
}

type authorityKey struct{}

func theAuthority(ts *testscript.TestScript) *authority {
	return ts.Value(authorityKey{}).(*authority)
}

// up [server] [FLAG]... starts podpass up (or server) on ports the kernel picks and returns when it has printed its line, which becomes
// $READY.
func (u *authority) up(ts *testscript.TestScript, args []string) {
	command := "up"
	if len(args) > 0 && args[0] == "server" {
		command, args = "server", args[1:]
	}
	name, err := exec.LookPath(filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], "podpass"))
	ts.Check(err)
	u.cmd = exec.Command(name, append([]string{command, "--listen", "127.0.0.1:0"}, args...)...)
	u.cmd.Dir = ts.MkAbs(".")
	u.cmd.Env = scriptEnv(ts)
	out, err := u.cmd.StdoutPipe()
	ts.Check(err)
	log, err := u.cmd.StderrPipe()
	ts.Check(err)
	u.log = bufio.NewReader(log)
	ts.Check(u.cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		rest, _ := io.ReadAll(u.log)
		ts.Fatalf("podpass %s ended: %v\n%s", command, err, rest)
	}
	ts.Logf("%s", line)
	ts.Setenv("READY", strings.TrimSuffix(line, "\n"))
}

// down [INT|TERM|KILL] ends the authority and wants exit code 0, or with ! any other.
func (u *authority) down(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"": syscall.SIGTERM, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}
	ts.Check(u.cmd.Process.Signal(signals[strings.Join(args, "")]))
	log, _ := io.ReadAll(u.log)
	err := u.cmd.Wait()
	u.cmd = nil
	if (err != nil) != neg {
		ts.Fatalf("podpass ended with %v\n%s", err, log)
	}
}

// twice interrupts the authority while a request is under way, and again when it says that it waits for it: it must die of the signal.
func (u *authority) twice(ts *testscript.TestScript) {
	at, err := url.Parse(strings.Fields(ts.Getenv("READY"))[1])
	ts.Check(err)
	conn, err := net.Dial("tcp", at.Host)
	ts.Check(err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n", at.Host)
	// The server asks for the body once the request is being read.
	_, err = bufio.NewReader(conn).ReadString('\n')
	ts.Check(err)
	ts.Check(u.cmd.Process.Signal(syscall.SIGINT))
	for line := ""; !strings.Contains(line, "interrupt again"); {
		line, err = u.log.ReadString('\n')
		ts.Check(err)
	}
	ts.Check(u.cmd.Process.Signal(syscall.SIGINT))
	err = u.cmd.Wait()
	u.cmd = nil
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		ts.Fatalf("podpass ended with %v", err)
	}
}

func (u *authority) kill() {
	if u.cmd != nil {
		u.cmd.Process.Kill()
		u.cmd.Wait()
	}
}
