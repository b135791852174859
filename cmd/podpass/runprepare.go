package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/token"
)

// prepare gets everything podpass run's command needs, and the function that keeps its token fresh. A directory it returns exists, also
// beside an error.
func (a *app) prepare(ctx context.Context, c *runConfig, self string) (cmd *exec.Cmd, dir *privateDir, keep func(context.Context), err error) {
	if cmd, err = findCommand(c.command[0], c.command[1:], a.Stdio); err != nil {
		return nil, nil, nil, err
	}
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return nil, nil, nil, err
	}
	w, err := conn.workload(ctx, c, self)
	if err != nil {
		return nil, nil, nil, conn.explain(err)
	}
	if dir, err = newPrivateDir(a.runtimeDir()); err != nil {
		return nil, nil, nil, failed("ls -ld "+shellPath(a.runtimeDir()), "no private directory for the token: %w", err)
	}
	file := &tokenFile{
		path: filepath.Join(dir.path, "token"), fetch: w.token, now: time.Now, wait: wallWait,
		log: slog.New(slog.NewTextHandler(a.Err, nil)).With("serviceAccount", c.account()),
	}
	expires, next, err := file.write(ctx)
	if err != nil {
		return nil, dir, nil, conn.explain(err)
	}
	cmd.Env = podEnv{
		RoleARN: w.role, TokenFile: file.path, SessionName: w.sessionName(), Region: w.region, EndpointURL: conn.endpoint,
	}.environ(a.env)
	return cmd, dir, func(ctx context.Context) { file.keep(ctx, expires, next) }, nil
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

// workload is what is known of a service account before its command runs.
type workload struct {
	role, region string
	token        func(ctx context.Context) (issuedToken, error)
	sessionName  func() string // known once a token was issued
}

// workload finds the role and the issuer of a service account.
func (conn *connection) workload(ctx context.Context, c *runConfig, self string) (*workload, error) {
	w := &workload{region: conn.region, role: c.roleARN}
	var err error
	if c.kubeconfig != "" {
		err = w.fromKubernetes(ctx, c)
	} else {
		err = w.fromHosted(ctx, c, conn)
	}
	if err != nil {
		return nil, err
	}
	if w.role == "" {
		return nil, conn.noRole(ctx, c, w, self)
	}
	if c.region != "" {
		w.region = c.region
	}
	if c.sessionName != "" {
		w.sessionName = func() string { return c.sessionName }
	}
	return w, nil
}

func (w *workload) fromKubernetes(ctx context.Context, c *runConfig) error {
	k, err := newKubeAccount(c)
	if err != nil {
		return err
	}
	pod := c.podName
	if pod == "" {
		pod = c.name + "-" + strings.ToLower(rand.Text()[:5])
	}
	w.token, w.sessionName = k.token, func() string { return sessionNameOf(pod) }
	if w.role == "" {
		w.role, err = k.role(ctx)
	}
	return err
}

func (w *workload) fromHosted(ctx context.Context, c *runConfig, conn *connection) error {
	name := api.ServiceAccountName{Cluster: c.cluster, Namespace: c.namespace, Name: c.name}
	account, err := conn.GetServiceAccount(ctx, name)
	if err != nil {
		return err
	}
	if !account.Hosted {
		return usage(fmt.Sprintf("podpass run -n %s %s --kubeconfig FILE -- %s", c.namespace, c.name, shellWords(c.command)),
			"cluster %s issues its tokens itself: they are to be had from its API server", c.cluster)
	}
	w.region = account.Region
	// The pod is the same for every token of this run, as a real pod's is.
	req := api.CreateTokenRequest{
		ServiceAccountName: name, Audience: c.audience, DurationSeconds: c.expiration.seconds(), PodName: c.podName, PodUID: c.podUID,
	}
	w.token = func(ctx context.Context) (issuedToken, error) {
		out, err := conn.CreateToken(ctx, &req)
		if err != nil {
			return issuedToken{}, err
		}
		req.PodName, req.PodUID = out.PodName, out.PodUID
		return issuedToken{raw: out.Token, expires: out.Expiration}, nil
	}
	w.sessionName = func() string { return sessionNameOf(req.PodName) }
	switch {
	case w.role != "":
		return nil
	case c.mechanism == "irsa" || account.Mechanism != api.PodIdentity:
		w.role = account.Annotations[api.RoleARNAnnotation]
		return nil
	}
	w.role = account.Role
	return conn.admitsWebIdentity(ctx, c, name, account.Role)
}

// admitsWebIdentity refuses to start a command whose exchange cannot succeed: an association's role usually trusts Pod Identity only.
func (conn *connection) admitsWebIdentity(ctx context.Context, c *runConfig, name api.ServiceAccountName, role string) error {
	trusting, err := conn.RolesFor(ctx, name)
	if err != nil || trusting.Truncated || slices.Contains(trusting.Roles, role) {
		return err
	}
	return usage(fmt.Sprintf("podpass run -n %s %s --role-arn ARN -- %s", c.namespace, c.name, shellWords(c.command)),
		"%s is associated with %s through Pod Identity, which needs the podpass agent (not part of this release), and that role does not trust the account's own tokens",
		c.account(), role)
}

// noRole says that nothing names a role, and which ones would work.
func (conn *connection) noRole(ctx context.Context, c *runConfig, w *workload, self string) error {
	what := fmt.Sprintf("no role for service account %s: it has neither an association nor the annotation %s", c.account(), api.RoleARNAnnotation)
	cluster, from := c.cluster, ""
	if c.kubeconfig != "" {
		from = " --kubeconfig " + shellPath(c.kubeconfig)
		if c.context != "" {
			from += " --context " + shellPath(c.context)
		}
		var err error
		if cluster, err = conn.clusterOf(ctx, w); err != nil {
			return err
		}
		if cluster == "" {
			return usage("podpass cluster register NAME"+from, "%s\nno role trusts it either: the cluster of kubeconfig %s is not registered", what, c.kubeconfig)
		}
	}
	trusting, err := conn.RolesFor(ctx, api.ServiceAccountName{Cluster: cluster, Namespace: c.namespace, Name: c.name})
	if err != nil || len(trusting.Roles) == 0 {
		return usage("podpass apply --help   # how to write a role that trusts it", "%s\nno role trusts it either, as an account of cluster %s", what, cluster)
	}
	hints := make([]string, 0, len(trusting.Roles))
	for _, role := range trusting.Roles {
		hints = append(hints, fmt.Sprintf("%s -n %s %s%s --role-arn %s -- %s", self, c.namespace, c.name, from, role, shellWords(c.command)))
	}
	more := ""
	if trusting.Truncated {
		more = " (and more)"
	}
	return usage(strings.Join(hints, "\n"), "%s\nroles that would trust it%s:\n%s", what, more, strings.Join(trusting.Roles, "\n"))
}

// clusterOf is the registered cluster whose issuer's tokens a workload gets, "" if there is none.
func (conn *connection) clusterOf(ctx context.Context, w *workload) (string, error) {
	issued, err := w.token(ctx)
	if err != nil {
		return "", err
	}
	parsed, err := token.Parse(issued.raw)
	if err != nil {
		return "", err
	}
	clusters, err := conn.ListClusters(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range clusters.Clusters {
		if c.Issuer == parsed.Claims.Issuer {
			return c.Name, nil
		}
	}
	return "", nil
}

// sessionNameOf makes a pod's name a role session name, which has 2 to 64 characters: the end of a pod's name tells pods of one account
// apart.
func sessionNameOf(pod string) string {
	if len(pod) < 2 {
		return "pod-" + pod
	}
	return pod[max(0, len(pod)-64):]
}

// shellWords is a command as it can be typed again.
func shellWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = shellPath(w)
	}
	return strings.Join(out, " ")
}
