package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
)

// Exit codes, all of them. A command run under podpass run passes its own through.
const (
	exitOK         = 0
	exitFailed     = 1   // it was tried and did not work
	exitUsage      = 2   // it was not tried: a wrong flag, or nothing says which role
	exitNotExec    = 126 // run: the command is there and cannot be executed
	exitNotFound   = 127 // run: no such command
	exitSignalBase = 128 // run: the command was ended by signal N, exit 128+N, as a shell says it
)

// failure is an error as the command line shows it: what went wrong, and a command that gets the user further.
type failure struct {
	code int // 0 means exitFailed
	what error
	hint string
}

func (f *failure) Error() string { return f.what.Error() }
func (f *failure) Unwrap() error { return f.what }

func failed(hint, format string, args ...any) error {
	return &failure{code: exitFailed, what: fmt.Errorf(format, args...), hint: hint}
}

func usage(hint, format string, args ...any) error {
	return &failure{code: exitUsage, what: fmt.Errorf(format, args...), hint: hint}
}

// flagMistake says what is wrong with a flag's number in our words; strconv's name the function that read it.
func flagMistake(err error) error {
	value, ok := errors.AsType[*pflag.InvalidValueError](err)
	number, aNumber := errors.AsType[*strconv.NumError](err)
	if !ok || !aNumber {
		return err
	}
	return fmt.Errorf("--%s %q: %w", value.GetFlag().Name, value.GetValue(), number.Err)
}

// childExit carries the exit code of podpass run's command; it prints nothing, the command has spoken for itself.
type childExit struct{ code int }

func (c childExit) Error() string { return fmt.Sprintf("command exited with code %d", c.code) }

// report prints an error and its hint on w and says with which code to exit. help is the hint of last resort; self is what the user calls
// us, which hints begin with.
func report(w io.Writer, err error, help, self string) int {
	if err == nil {
		return exitOK
	}
	var child childExit
	if errors.As(err, &child) {
		return child.code
	}
	code, hint := exitFailed, help
	var f *failure
	if errors.As(err, &f) {
		if f.code != 0 {
			code = f.code
		}
		if f.hint != "" {
			hint = f.hint
		}
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(w, "podpass: %s\n", line)
	}
	for _, line := range strings.Split(hint, "\n") {
		if rest, ours := strings.CutPrefix(line, "podpass "); ours {
			line = self + " " + rest
		}
		fmt.Fprintf(w, "  try: %s\n", line)
	}
	return code
}

// exitOf is the code a finished command exits with, as a shell would have it.
func exitOf(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return childExit{exitSignalBase + int(status.Signal())}
		}
		return childExit{exit.ExitCode()}
	}
	return err
}

// shellPath quotes a path where a shell would not take it as it is.
func shellPath(path string) string {
	if path != "" && strings.IndexFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+,:@%", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
