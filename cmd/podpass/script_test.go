package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"podpass":                  main,
		"kubectl-podpass":          main,
		"kubectl_complete-podpass": main,
		"whoami":                   whoami,
		"supervised":               supervised,
		"count-interrupts":         countInterrupts,
	})
}

// whoami is an application with an unmodified SDK: it prints the ARN it is given.
func whoami() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err == nil {
		var who *sts.GetCallerIdentityOutput
		if who, err = sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil); err == nil {
			fmt.Println(*who.Arn)
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for _, dir := range []string{"home", "run"} {
				if err := os.Mkdir(filepath.Join(env.WorkDir, dir), 0o700); err != nil {
					return err
				}
			}
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "run"))
			env.Setenv("D", filepath.Join(env.WorkDir, "home/.local/state/podpass"))
			u := &authority{}
			env.Values[authorityKey{}] = u
			env.Values[listenersKey{}] = listeners{}
			env.Defer(u.kill)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"up": func(ts *testscript.TestScript, neg bool, args []string) { theAuthority(ts).up(ts, args) },
			// down [SIGNAL] ends the authority and wants exit code 0, or with ! any other.
			"down":        func(ts *testscript.TestScript, neg bool, args []string) { theAuthority(ts).down(ts, neg, args) },
			"twice":       func(ts *testscript.TestScript, neg bool, args []string) { theAuthority(ts).twice(ts) },
			"certificate": writeCertificate,
			"source":      source,
			"exits":       exits,
			"mode":        mode,
			"listen":      listen,
			"accept":      accept,
			"executable":  executable,
			"registry":    startRegistry,
		},
	})
}

// scriptEnv is the environment commands of the script get; testscript does not hand it out.
func scriptEnv(ts *testscript.TestScript) []string {
	env := []string{}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "PODPASS_CONFIG"} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// source FILE does what ". FILE" does in a shell.
func source(ts *testscript.TestScript, _ bool, args []string) {
	file, err := readEnvFile(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, s := range file {
		ts.Setenv(s.name, s.value)
	}
}

// exits CODE COMMAND... wants exactly that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		got = -1
	}
	if got != want {
		ts.Fatalf("%s exited with %d, want %d: %v", strings.Join(args[1:], " "), got, want, err)
	}
}

// mode OCTAL FILE wants these permissions.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}
