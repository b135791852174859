package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// manifest is what an operator writes: a service account, and a role that trusts it and nothing else.
const manifest = `apiVersion: podpass.io/v1alpha1
kind: Role
metadata:
  name: web
spec:
  trust:
    namespace: shop
    serviceAccount: web
  inlinePolicies:
    own-role:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Action: iam:GetRole
          Resource: arn:aws:iam::111122223333:role/web
---
apiVersion: podpass.io/v1alpha1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/web
`

const roleARN = "arn:aws:iam::111122223333:role/web"

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "workload":
		err = workload(ctx)
	case len(os.Args) == 2 && os.Args[1] == "tenant":
		err = tenant(ctx)
	case len(os.Args) == 2:
		err = demo(ctx, os.Args[1])
	default:
		err = fmt.Errorf("usage: demo BIN/podpass")
	}
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

type stage struct {
	podpass, self, dir string
	env                []string
}

func demo(ctx context.Context, podpass string) (err error) {
	began := time.Now()
	s := &stage{}
	if s.podpass, err = filepath.Abs(podpass); err != nil {
		return err
	}
	if s.self, err = os.Executable(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "podpass-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	s.env = append(environWithoutAWS(), "PODPASS_DATA_DIR="+s.dir)

	step(1, "Start the authority: token issuer, STS, IAM, EKS Auth and an agent in one process, its state in a directory.")
	command("podpass up --data-dir DIR")
	stop, err := s.up(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := stop(); err == nil && stopErr != nil {
			err = fmt.Errorf("podpass up: %w", stopErr)
		}
	}()

	step(2, "Say which service account may have which role. The role trusts shop/web of the cluster \"local\", and no other.")
	command("podpass apply -f web.yaml")
	file := filepath.Join(s.dir, "web.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		return err
	}
	if _, err := s.podpassRun(ctx, "apply", "-f", file); err != nil {
		return err
	}

	step(3, "Run a process with the identity of shop/web. It is an ordinary program with an unmodified AWS SDK; it holds no key, only a token file.")
	command("podpass run -n shop web -- ./workload")
	out, err := s.podpassRun(ctx, "run", "-n", "shop", "web", "--", s.self, "workload")
	if err != nil {
		return err
	}
	if !strings.Contains(out, ":assumed-role/web/") {
		return fmt.Errorf("the workload did not get the role web")
	}

	step(4, "Run the same program as shop/other, and ask for the same role. Its token is genuine, but the role doesn't trust it.")
	command("podpass run -n shop other --role-arn " + roleARN + " -- ./workload")
	out, err = s.podpassRun(ctx, "run", "-n", "shop", "other", "--role-arn", roleARN, "--", s.self, "workload")
	if err == nil || !strings.Contains(out, "AccessDenied") {
		return fmt.Errorf("shop/other was not refused: %w", err)
	}

	if err := s.podIdentity(ctx); err != nil {
		return err
	}

	step(8, "Every exchange left one line in the audit file: who asked, for what, and why the answer was what it was.")
	if err := s.story(); err != nil {
		return err
	}
	fmt.Printf("\nDone in %.1f s. The authority is stopped and its directory removed.\n", time.Since(began).Seconds())
	fmt.Println("To keep one: bin/podpass up, and in another terminal: bin/podpass apply -f FILE, bin/podpass run -n NAMESPACE SERVICEACCOUNT -- COMMAND")
	return nil
}

// up starts the authority and returns once it is ready.
func (s *stage) up(ctx context.Context) (stop func() error, err error) {
	cmd := exec.CommandContext(ctx, s.podpass, "up", "--data-dir", s.dir, "--listen", "127.0.0.1:0")
	var log bytes.Buffer
	cmd.Env, cmd.Stderr = s.env, &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() error {
		cmd.Process.Signal(syscall.SIGTERM)
		return cmd.Wait()
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready") {
		stop()
		return nil, fmt.Errorf("podpass up did not get ready: %s%s", line, log.String())
	}
	said(line)
	return stop, nil
}

// podpassRun runs a podpass command, shows what it prints and returns it.
func (s *stage) podpassRun(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	err := s.podpassTo(ctx, &out, &out, args...)
	said(out.String())
	return out.String(), err
}

func (s *stage) podpassTo(ctx context.Context, out, errors io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, s.podpass, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, out, errors
	return cmd.Run()
}

// story tells the exchanges of the audit file.
func (s *stage) story() error {
	f, err := os.Open(filepath.Join(s.dir, "audit.jsonl"))
	if err != nil {
		return err
	}
	defer f.Close()
	events := json.NewDecoder(f)
	for {
		var e struct{ Action, Outcome, Namespace, ServiceAccount, Pod, Role, Statement, Reason, AccessKeyID string }
		if err := events.Decode(&e); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		switch {
		case e.Action != "AssumeRoleWithWebIdentity" && e.Action != "AssumeRoleForPodIdentity":
			continue
		case e.ServiceAccount == "podpass-agent": // Podpass's own: its agent got its role the same way
			continue
		}
		said(fmt.Sprintf("%s: %s/%s (pod %s) asked for %s", e.Outcome, e.Namespace, e.ServiceAccount, e.Pod, e.Role))
		if e.Outcome == "allowed" {
			said(fmt.Sprintf("  because of %s; issued %s", e.Statement, e.AccessKeyID))
		} else {
			said("  because " + e.Reason)
		}
	}
}

func step(n int, what string) { fmt.Printf("\n%d. %s\n", n, what) }

func command(line string) { fmt.Printf("   $ %s\n", line) }

func said(text string) {
	for line := range strings.Lines(text) {
		fmt.Printf("   | %s\n", strings.TrimRight(line, "\n"))
	}
}

// environWithoutAWS is this process's environment less what would lead a command to another AWS.
func environWithoutAWS() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			env = append(env, v)
		}
	}
	return env
}
