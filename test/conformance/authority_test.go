package conformance_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binDir holds the binaries under test, built by TestMain.
var binDir string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "podpass-conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binDir = dir
	for name, pkg := range map[string]string{"podpass": "../../cmd/podpass", "gov1": "./gov1", "gov2": "./gov2"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
	}
	return m.Run()
}

// authority is a running `podpass up`.
type authority struct {
	dataDir string
	env     map[string]string // of dataDir/env
}

// up starts `podpass up` on a port the kernel picks and ends it with the test.
func up(t *testing.T, flags ...string) *authority {
	t.Helper()
	a := &authority{dataDir: t.TempDir()}
	cmd := exec.Command(filepath.Join(binDir, "podpass"), append([]string{"up", "--data-dir", a.dataDir, "--listen", "127.0.0.1:0"}, flags...)...)
	cmd.Env = append(bare(), "HOME="+t.TempDir())
	cmd.Stderr = &logWriter{t: t, who: "up"}
	start(t, cmd)
	a.env = readEnv(t, filepath.Join(a.dataDir, "env"))
	return a
}

// start starts a command of podpass that serves, waits for its line that begins with "ready", and ends it with the test.
func start(t *testing.T, cmd *exec.Cmd) (ready string) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("podpass %s: %v", cmd.Args[1], err)
		}
	})
	// A server that never gets ready must not hold the test for ever.
	watchdog := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	watchdog.Stop()
	if err != nil || !strings.HasPrefix(line, "ready") {
		t.Fatalf("podpass %s printed %q, %v", cmd.Args[1], line, err)
	}
	return line
}

func readEnv(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if !ok {
			t.Fatalf("%s: line %q", path, line)
		}
		env[name] = strings.Trim(value, "'")
	}
	return env
}

// bare is an environment in which no SDK finds anything of this machine's own.
func bare() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(binDir, "home"), "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
	}
}

// operator is the environment of D/env, overlaid by more.
func (a *authority) operator(more ...string) []string {
	env := bare()
	for name, value := range a.env {
		env = append(env, name+"="+value)
	}
	return append(env, more...)
}

// runAs is the command line that runs argv with a service account's identity.
func (a *authority) runAs(namespace, account, role string, argv []string) []string {
	return append([]string{filepath.Join(binDir, "podpass"), "run", "-n", namespace, account, "--role-arn", role, "--"}, argv...)
}

func (a *authority) endpoint() string { return a.env["AWS_ENDPOINT_URL"] }

// issuer is the local cluster's.
func (a *authority) issuer() string { return a.endpoint() + "/oidc/local" }

type logWriter struct {
	t   *testing.T
	who string
}

func (w *logWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s: %s", w.who, b)
	return len(b), nil
}
