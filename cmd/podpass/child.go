package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// passedOn are the signals podpass run hands to its command. SIGKILL and SIGSTOP cannot be; SIGTSTP and SIGCONT reach the command from
// the terminal or the shell, which address the whole process group.
var passedOn = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGALRM,
}

// signals listens for what is to be passed on. A signal ignored when we were started (nohup) stays ignored, for the command too.
func signals() (received <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 16)
	for _, s := range passedOn {
		if !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
	return c, func() { signal.Stop(c) }
}

// fatal reports whether a signal that comes before the command has started ends podpass run instead.
func fatal(s os.Signal) bool {
	return s != syscall.SIGWINCH && s != syscall.SIGUSR1 && s != syscall.SIGUSR2
}

// typed are the signals the terminal sends to every process of its foreground group at once: the command has them already.
func typed(s os.Signal) bool {
	return s == syscall.SIGINT || s == syscall.SIGQUIT || s == syscall.SIGWINCH
}

// supervise runs a command to its end and passes signals on. The command stays in our process group, so that the shell's job control
// works as without us. Its own end decides the error: nil, childExit, or a failure to start it.
func supervise(cmd *exec.Cmd, received <-chan os.Signal, foreground func() bool) error {
	if err := cmd.Start(); err != nil {
		return startFailure(cmd.Path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return exitOf(err)
		case s := <-received:
			if !typed(s) || !foreground() {
				// The only error is that the command has just ended.
				_ = cmd.Process.Signal(s)
			}
		}
	}
}

// findCommand looks a command up in the PATH.
func findCommand(name string, args []string, stdio Stdio) (*exec.Cmd, error) {
	cmd := exec.Command(name, args...)
	if cmd.Err != nil && !errors.Is(cmd.Err, exec.ErrDot) {
		return nil, startFailure(name, cmd.Err)
	}
	cmd.Err = nil
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdio.In, stdio.Out, stdio.Err
	return cmd, nil
}

// startFailure tells a command that is missing from one that cannot be executed, with the exit codes of a shell.
func startFailure(name string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return &failure{code: exitNotFound, what: errors.New(name + ": no such command"), hint: "command -v " + name}
	}
	return &failure{code: exitNotExec, what: errors.New(name + " cannot be executed: " + err.Error()), hint: "ls -l " + name}
}

// foreground reports whether we are in the process group the controlling terminal sends its signals to.
func foreground() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// interruptible ends its context when a signal comes that would end us.
func interruptible(ctx context.Context, received <-chan os.Signal) (_ context.Context, interrupted func() error) {
	ctx, cancel := context.WithCancelCause(ctx)
	done, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		for {
			select {
			case s := <-received:
				if fatal(s) {
					cancel(childExit{exitSignalBase + int(s.(syscall.Signal))})
				}
			case <-done:
				return
			}
		}
	}()
	// interrupted stops listening and returns the childExit of the signal, if one came.
	return ctx, func() error {
		close(done)
		<-finished
		err := context.Cause(ctx)
		cancel(nil)
		return err
	}
}
