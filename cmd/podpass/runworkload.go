package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
)

// The audiences of the two mechanisms' tokens.
const (
	webIdentityAudience = "sts.amazonaws.com"
	podIdentityAudience = identity.PodIdentity
)

// workload is what is known of a service account before its command runs.
type workload struct {
	mechanism   api.Mechanism
	cluster     string // name of the registered cluster; Pod Identity only
	role        string // ARN; web identity only
	upstream    bool   // the credentials are of an account that lives elsewhere
	region      string
	audience    string
	token       func(ctx context.Context) (issuedToken, error) // for the audience
	pod         func() string                                  // its name; known once a token was issued
	sessionName func() string                                  // likewise; web identity only
}

// workload finds the mechanism, the issuer and, for web identity, the role of a service account.
func (a *app) workload(ctx context.Context, conn *connection, c *runConfig, self string) (*workload, error) {
	w := &workload{region: conn.region, role: c.roleARN}
	find := w.fromHosted
	if c.kubeconfig != "" {
		find = func(ctx context.Context, c *runConfig, conn *connection) error {
			return a.fromKubernetes(ctx, w, c, conn)
		}
	}
	if err := find(ctx, c, conn); err != nil {
		return nil, err
	}
	switch {
	case w.mechanism == api.PodIdentity && c.sessionName != "":
		return nil, usage(self+" --help", "--session-name goes with irsa: %s has an association, and with Pod Identity the server names the session", c.account())
	case w.mechanism == api.PodIdentity:
	case w.role == "":
		return nil, conn.noRole(ctx, c, w, self)
	}
	if c.audience != "" {
		w.audience = c.audience
	}
	if c.region != "" {
		w.region = c.region
	}
	w.sessionName = func() string { return sessionNameOf(w.pod()) }
	if c.sessionName != "" {
		w.sessionName = func() string { return c.sessionName }
	}
	return w, nil
}

// use settles the mechanism.
func (w *workload) use(m api.Mechanism) {
	w.mechanism, w.audience = m, webIdentityAudience
	if m == api.PodIdentity {
		w.audience = podIdentityAudience
	}
}

// fromHosted asks the authority, which is the cluster's issuer.
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
	w.region, w.cluster = account.Region, c.cluster
	// The pod is the same for every token of this run, as a real pod's is.
	req := api.CreateTokenRequest{ServiceAccountName: name, DurationSeconds: c.expiration.seconds(), PodName: c.podName, PodUID: c.podUID}
	w.token = func(ctx context.Context) (issuedToken, error) {
		req.Audience = w.audience
		out, err := conn.CreateToken(ctx, &req)
		if err != nil {
			return issuedToken{}, err
		}
		req.PodName, req.PodUID = out.PodName, out.PodUID
		return issuedToken{raw: out.Token, expires: out.Expiration}, nil
	}
	w.pod = func() string { return req.PodName }
	switch {
	case c.mechanism == string(api.PodIdentity) && account.Association == nil:
		return c.noAssociation(c.cluster)
	case c.mechanism == string(api.PodIdentity), c.mechanism == "auto" && c.roleARN == "" && account.Association != nil:
		w.use(api.PodIdentity)
		w.upstream = account.Association.Upstream
	default:
		w.use(api.IRSA)
		if w.role == "" {
			w.role = account.Annotations[api.RoleARNAnnotation]
		}
	}
	return nil
}

// fromKubernetes asks a real cluster's API server for the token and the annotation, and the authority, with which the cluster is registered, for
// the association.
func (a *app) fromKubernetes(ctx context.Context, w *workload, c *runConfig, conn *connection) error {
	k, err := newKubeAccount(c)
	if err != nil {
		return err
	}
	pod := c.podName
	if pod == "" {
		pod = c.name + "-" + strings.ToLower(rand.Text()[:5])
	}
	w.token = func(ctx context.Context) (issuedToken, error) { return k.token(ctx, w.audience) }
	w.pod = func() string { return pod }
	var unknown error // whether there is an association
	if c.mechanism != string(api.IRSA) && c.roleARN == "" {
		w.use(api.PodIdentity)
		has, err := conn.associated(ctx, c, w)
		if has {
			return nil
		}
		if c.mechanism == string(api.PodIdentity) {
			return err
		}
		unknown = err
	}
	w.use(api.IRSA)
	if w.role == "" {
		if w.role, err = k.role(ctx); err != nil {
			return err
		}
	}
	if unknown != nil && w.role != "" {
		fmt.Fprintf(a.Err, "podpass: warning: the annotation's role is used; whether %s has an association could not be found out: %v\n", c.account(), unknown)
	}
	return nil
}

// associated reports whether a real cluster's service account has an association, in the cluster with the issuer of its tokens. What keeps
// it from having one is the error.
func (conn *connection) associated(ctx context.Context, c *runConfig, w *workload) (bool, error) {
	var err error
	if w.cluster, err = conn.clusterOf(ctx, w); err != nil {
		return false, err
	}
	if w.cluster == "" {
		if c.mechanism == "auto" {
			return false, nil
		}
		return false, usage("podpass cluster register NAME"+c.from(), "the cluster of kubeconfig %s is not registered", c.kubeconfig)
	}
	account, err := conn.GetServiceAccount(ctx, api.ServiceAccountName{Cluster: w.cluster, Namespace: c.namespace, Name: c.name})
	if err != nil {
		return false, err
	}
	if account.Association == nil && c.mechanism != "auto" {
		return false, c.noAssociation(w.cluster)
	}
	w.upstream = account.Association != nil && account.Association.Upstream
	return account.Association != nil, nil
}

// from are the flags that say which real cluster is meant.
func (c *runConfig) from() string {
	text := ""
	if c.kubeconfig != "" {
		text = " --kubeconfig " + shellPath(c.kubeconfig)
	}
	if c.context != "" {
		text += " --context " + shellPath(c.context)
	}
	return text
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
