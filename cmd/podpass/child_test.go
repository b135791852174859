package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// A signal the terminal has sent to the whole process group already is not sent a second time; any other is.
func TestSupervisePassesSignalsOnce(t *testing.T) {
	for _, c := range []struct {
		name       string
		foreground bool
		send       []os.Signal
		code       int
	}{
		{"interrupt from elsewhere", false, []os.Signal{syscall.SIGINT}, 11},
		{"typed interrupt", true, []os.Signal{syscall.SIGINT, syscall.SIGTERM}, 12},
		{"typed quit and resize", true, []os.Signal{syscall.SIGQUIT, syscall.SIGWINCH, syscall.SIGHUP}, 13},
		{"user signals", true, []os.Signal{syscall.SIGUSR1}, 14},
		{"user signals 2", false, []os.Signal{syscall.SIGUSR2}, 15},
		{"untrapped", false, []os.Signal{syscall.SIGALRM}, exitSignalBase + int(syscall.SIGALRM)},
	} {
		t.Run(c.name, func(t *testing.T) {
			// As podpass run does: a signal that is ignored, as in what a shell starts in the background, would be ignored by the child as well.
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, syscall.SIGINT, syscall.SIGQUIT)
			defer signal.Stop(caught)
			cmd := exec.Command("sh", "-c", `
				trap 'exit 11' INT; trap 'exit 12' TERM; trap 'exit 13' HUP; trap 'exit 14' USR1; trap 'exit 15' USR2; trap 'exit 16' QUIT
				echo; while :; do read line; done`)
			in, hold, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			defer hold.Close()
			started, out, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stdin, cmd.Stdout = in, out
			received := make(chan os.Signal)
			go func() {
				defer started.Close()
				bufio.NewReader(started).ReadString('\n')
				for _, s := range c.send {
					received <- s
				}
			}()
			var child childExit
			err = supervise(cmd, received, func() bool { return c.foreground })
			out.Close()
			if !errors.As(err, &child) || child.code != c.code {
				t.Errorf("got %v, want exit code %d", err, c.code)
			}
		})
	}
}

func TestInterruptible(t *testing.T) {
	received := make(chan os.Signal, 1)
	ctx, interrupted := interruptible(t.Context(), received)
	received <- syscall.SIGUSR1
	received <- syscall.SIGTERM
	<-ctx.Done()
	var child childExit
	if err := interrupted(); !errors.As(err, &child) || child.code != exitSignalBase+int(syscall.SIGTERM) {
		t.Errorf("got %v", err)
	}

	ctx, interrupted = interruptible(t.Context(), received)
	if err := interrupted(); err != nil {
		t.Errorf("nothing came, got %v", err)
	}
	if ctx.Err() == nil {
		t.Error("the set-up's context outlives the set-up")
	}

	outer, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	_, interrupted = interruptible(outer, received)
	if err := interrupted(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller's own end was lost: %v", err)
	}
}
