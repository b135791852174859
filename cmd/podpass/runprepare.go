package main

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/podpass/podpass/api"
)

// prepared is everything podpass run's command needs.
type prepared struct {
	cmd   *exec.Cmd
	dir   *privateDir    // of the token; it may exist although preparing failed
	ended sync.WaitGroup // of what runs beside the command
}

// prepare gets it. What runs beside the command, the keeper of its token and an agent, lives as long as life.
func (a *app) prepare(ctx, life context.Context, p *prepared, c *runConfig, self string) (err error) {
	if p.cmd, err = findCommand(c.command[0], c.command[1:], a.Stdio); err != nil {
		return err
	}
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return err
	}
	if conn.installed != nil {
		if conn, err = a.onLoopback(life, p, conn); err != nil {
			return err
		}
		a.tokensOf(conn.installed, c)
	}
	w, err := a.workload(ctx, conn, c, self)
	if err != nil {
		return conn.explain(err)
	}
	if p.dir, err = newPrivateDir(a.runtimeDir()); err != nil {
		return failed("ls -ld "+shellPath(a.runtimeDir()), "no private directory for the token: %w", err)
	}
	file := &tokenFile{
		path: filepath.Join(p.dir.path, "token"), fetch: w.token, now: time.Now, wait: wallWait,
		log: slog.New(slog.NewTextHandler(a.Err, nil)).With("serviceAccount", c.account()),
	}
	expires, next, err := file.write(ctx)
	if err != nil {
		return conn.explain(err)
	}
	env := podEnv{TokenFile: file.path, Region: w.region, EndpointURL: conn.endpoint}
	if w.upstream {
		env.EndpointURL = ""
	}
	if w.mechanism == api.PodIdentity {
		if env.AgentURL, err = a.agentOf(ctx, life, p, conn, c, w, file.path); err != nil {
			return err
		}
	} else {
		env.RoleARN, env.SessionName = w.role, w.sessionName()
	}
	p.cmd.Env = env.environ(a.env)
	p.ended.Go(func() { file.keep(life, expires, next) })
	return nil
}

// runtimeDir is where files live that must not outlive the login: in memory where the system has such a place.
func (a *app) runtimeDir() string {
	if dir := a.env.get("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return os.TempDir()
}
