package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/store"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"nothing", nil, exitOK, ""},
		{"any error", errors.New("broken"), exitFailed, "podpass: broken\n  try: podpass x --help\n"},
		{"a hint", failed("podpass up", "no authority"), exitFailed, "podpass: no authority\n  try: podpass up\n"},
		{"usage", usage("a\nb", "one\ntwo"), exitUsage, "podpass: one\npodpass: two\n  try: a\n  try: b\n"},
		{"wrapped", fmt.Errorf("while trying: %w", usage("podpass up", "wrong")), exitUsage, "podpass: while trying: wrong\n  try: podpass up\n"},
		{"a command's own", childExit{7}, 7, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if code := report(&out, c.err, "podpass x --help", "podpass"); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if diff := cmp.Diff(c.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReportOfAPlugin(t *testing.T) {
	var out bytes.Buffer
	report(&out, failed("podpass up\ndf -h\nkubectl podpass --help", "broken"), "", "kubectl podpass")
	want := "podpass: broken\n  try: kubectl podpass up\n  try: df -h\n  try: kubectl podpass --help\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// What keeps podpass up from starting is one line and a way out; the disk is not filled for it here.
func TestExplainStart(t *testing.T) {
	dir := "/var/lib/pod pass"
	taken := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8600}
	listen := func(errno syscall.Errno) error {
		return &net.OpError{Op: "listen", Net: "tcp", Addr: taken, Err: os.NewSyscallError("bind", errno)}
	}
	for _, c := range []struct {
		err        error
		what, hint string
	}{
		{fmt.Errorf("open: %w", store.ErrLocked), dir + " is in use by another podpass", "podpass up --data-dir DIRECTORY   # or use the one that runs: . '/var/lib/pod pass'/env"},
		{listen(syscall.EADDRINUSE), "127.0.0.1:8600 is in use by another process", "podpass up --listen 127.0.0.1:0   # or see who has it: ss -ltnp"},
		{listen(syscall.EADDRNOTAVAIL), "127.0.0.1:8600 is no address of this machine", "ip address"},
		{listen(syscall.EACCES), listen(syscall.EACCES).Error(), "podpass up --listen 127.0.0.1:0"},
		{&os.PathError{Op: "write", Path: dir + "/env", Err: syscall.ENOSPC}, "no space left for " + dir + ": write " + dir + "/env: no space left on device", "df -h '/var/lib/pod pass'"},
		{fmt.Errorf("%w: 1 MB", store.ErrNoSpace), "no space left for " + dir + ": " + store.ErrNoSpace.Error() + ": 1 MB", "df -h '/var/lib/pod pass'"},
		{&os.PathError{Op: "mkdir", Path: dir, Err: syscall.EACCES}, "mkdir " + dir + ": permission denied", "podpass up --data-dir DIRECTORY   # one you may write to"},
		{&os.PathError{Op: "mkdir", Path: dir, Err: syscall.EROFS}, "mkdir " + dir + ": read-only file system", "podpass up --data-dir DIRECTORY   # one you may write to"},
		{&store.VersionError{Dir: dir, Found: "2", Want: "1"}, (&store.VersionError{Dir: dir, Found: "2", Want: "1"}).Error(), "podpass up --data-dir DIRECTORY"},
	} {
		var f *failure
		if err := explainStart(c.err, server.Config{DataDir: dir}); !errors.As(err, &f) {
			t.Errorf("%v was not explained", c.err)
			continue
		}
		if diff := cmp.Diff([]string{c.what, c.hint}, []string{f.Error(), f.hint}); diff != "" {
			t.Errorf("%v: %s", c.err, diff)
		}
		if f.code != exitFailed {
			t.Errorf("%v: exit code %d", c.err, f.code)
		}
	}
	if explainStart(nil, server.Config{}) != nil {
		t.Error("no error was explained")
	}
	if err := errors.New("other"); explainStart(err, server.Config{}) != err {
		t.Error("an unknown error was changed")
	}
}

func TestShellPath(t *testing.T) {
	for in, want := range map[string]string{"/a/b-c_d.e": "/a/b-c_d.e", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'"} {
		if got := shellPath(in); got != want {
			t.Errorf("shellPath(%q) = %s, want %s", in, got, want)
		}
	}
}
