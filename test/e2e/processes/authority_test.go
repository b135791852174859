//go:build e2e

package processes_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// patience bounds whatever a test waits for; a machine that is busy with other things takes a good part of it.
const patience = time.Minute

// binDir holds the binaries under test, built by TestMain.
var binDir string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "podpass-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binDir = dir
	for name, pkg := range map[string]string{"podpass": "../../../cmd/podpass", "gov2": "../../conformance/gov2"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
	}
	return m.Run()
}

// authority is a `podpass up`, or a `podpass server`.
type authority struct {
	t      *testing.T
	dir    string // of its state
	url    string // of its services
	env    []string
	cmd    *exec.Cmd
	stderr bytes.Buffer // to be read when it has ended
	ready  chan string  // gets its line, or is closed without
	ended  chan struct{}
}

// launch starts `podpass up` on a data directory, which may be one of an authority that has ended, and kills it with the test.
func launch(t *testing.T, dir string) *authority {
	t.Helper()
	return start(t, dir, nil, "up")
}

// start is launch with more in the process's own environment, and more flags.
func start(t *testing.T, dir string, env []string, args ...string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir, env: environment(t, dir), ready: make(chan string, 1), ended: make(chan struct{})}
	a.cmd = exec.Command(filepath.Join(binDir, "podpass"), append(args, "--listen", "127.0.0.1:0")...)
	a.cmd.Env, a.cmd.Stderr = append(env, a.env...), &a.stderr
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(a.ended)
		if line, err := bufio.NewReader(stdout).ReadString('\n'); err == nil {
			a.ready <- line
		}
		close(a.ready)
		_ = a.cmd.Wait() // ProcessState says the same
	}()
	t.Cleanup(a.kill)
	return a
}

// up starts an authority and returns when it is ready.
func up(t *testing.T, dir string) *authority {
	t.Helper()
	return launch(t, dir).awaitReady()
}

func (a *authority) awaitReady() *authority {
	a.t.Helper()
	select {
	case line := <-a.ready:
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "ready" {
			a.url = fields[1]
			return a
		}
		a.kill()
		a.t.Fatalf("podpass printed %q and did not get ready\n%s", line, a.stderr.String())
	case <-time.After(patience):
		a.kill()
		a.t.Fatalf("podpass did not get ready\n%s", a.stderr.String())
	}
	return nil
}

// kill is kill -9. It returns when the process has ended, whoever ended it.
func (a *authority) kill() {
	if err := a.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		a.t.Error(err)
	}
	<-a.ended
}

// stop asks the process to end and wants exit code 0.
func (a *authority) stop() {
	a.t.Helper()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		a.t.Fatal(err)
	}
	if code, stderr := a.wait(); code != 0 {
		a.t.Fatalf("podpass ended with %d\n%s", code, stderr)
	}
}

func (a *authority) hasEnded() bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}

// wait returns when the process has ended by itself.
func (a *authority) wait() (code int, stderr string) {
	a.t.Helper()
	select {
	case <-a.ended:
	case <-time.After(patience):
		a.kill()
		a.t.Fatalf("podpass did not end\n%s", a.stderr.String())
	}
	return a.cmd.ProcessState.ExitCode(), a.stderr.String()
}

// run is a podpass command's output, both streams, and whether it succeeded.
func (a *authority) run(args ...string) (string, error) {
	cmd := exec.CommandContext(a.t.Context(), filepath.Join(binDir, "podpass"), args...)
	cmd.Env = a.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must is run for a command that has to succeed.
func (a *authority) must(args ...string) string {
	a.t.Helper()
	out, err := a.run(args...)
	if err != nil {
		a.t.Fatalf("podpass %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// apply applies a manifest.
func (a *authority) apply(manifest string) {
	a.t.Helper()
	file := filepath.Join(a.t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.must("apply", "-f", file)
}

// settings are those of an env file, such as the data directory's.
func settings(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env[name] = strings.Trim(value, "'")
	}
	return env
}

func (a *authority) settings() map[string]string {
	a.t.Helper()
	return settings(a.t, filepath.Join(a.dir, "env"))
}

// as is an environment with these settings in it.
func as(env []string, settings map[string]string) []string {
	env = slices.Clone(env)
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	return env
}

// aws is how an SDK reaches the authority as its administrator, with the SDK's own retries.
func (a *authority) aws() aws.Config {
	a.t.Helper()
	return sdk(a.settings())
}

// sdk is an SDK's configuration with an env file's settings.
func sdk(env map[string]string) aws.Config {
	return aws.Config{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: env["AWS_ACCESS_KEY_ID"], SecretAccessKey: env["AWS_SECRET_ACCESS_KEY"]}, nil
		}),
	}
}

// environment is one in which podpass finds the authority of dir, and neither it nor an SDK finds anything of this machine's own.
func environment(t *testing.T, dir string) []string {
	t.Helper()
	own := t.TempDir()
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + own, "TMPDIR=" + own, "PODPASS_DATA_DIR=" + dir, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// code is the error code of an AWS refusal, "" for any other error and for none.
func code(err error) string {
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return refused.ErrorCode()
	}
	return ""
}
