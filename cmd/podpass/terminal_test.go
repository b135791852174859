package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// supervised runs a command as podpass run does, less everything that needs an authority.
func supervised() {
	received, stop := signals()
	defer stop()
	var child childExit
	if err := supervise(exec.Command("count-interrupts"), received, foreground); errors.As(err, &child) {
		os.Exit(child.code)
	}
}

// countInterrupts says how many SIGINT it has seen when SIGTERM comes. It shares the terminal with its parent, as under podpass run.
func countInterrupts() {
	c := make(chan os.Signal, 16)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	if err != nil {
		os.Exit(1)
	}
	fmt.Fprintln(tty, "ready")
	n := 0
	for s := range c {
		if s == syscall.SIGTERM {
			fmt.Fprintln(tty, "interrupts", n)
			os.Exit(40 + n)
		}
		n++
		fmt.Fprintln(tty, "interrupted")
	}
}

// On a terminal Ctrl-C reaches the whole process group at once; passed on, it would reach the command twice, which many take as the order to
// die without cleaning up. What only we are sent is passed on there too.
func TestControlCReachesTheCommandOnce(t *testing.T) {
	terminal, tty := openTerminal(t)
	cmd := exec.Command("supervised")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	screen := bufio.NewReader(terminal)
	until := func(word string) {
		t.Helper()
		for line := ""; !strings.Contains(line, word); {
			var err error
			if line, err = screen.ReadString('\n'); err != nil {
				t.Fatalf("waiting for %q: %v", word, err)
			}
		}
	}
	until("ready")
	for range 3 {
		if _, err := terminal.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
		until("interrupted")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 43 {
		t.Errorf("three times Ctrl-C and SIGTERM: %v, want exit code 43", err)
	}
}

// openTerminal makes a pseudo-terminal: the end a person sits at, and the one programs have.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}
