package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/grant"
	"github.com/podpass/podpass/identity"
)

// grantPlace says where grants are made: which cluster, which account, and which one of target roles.
type grantPlace struct {
	clusterConnection
	accountConnection
	cluster, targetProfile string
	hosted                 bool
}

func (c *grantPlace) flags(f *pflag.FlagSet) {
	c.clusterConnection.flags(f)
	c.clusterConnection.rateFlag(f)
	c.accountConnection.flags(f)
	f.StringVar(&c.cluster, "cluster", "", "`name` of the cluster in EKS, or in podpass (default: the one whose issuer is that of the kubeconfig's cluster)")
	f.BoolVar(&c.hosted, "hosted", false, "the cluster is one that podpass issues the tokens of, as podpass up's: no Kubernetes is asked (default with --data-dir and no --kubeconfig or --context, and where there is no kubeconfig)")
	f.StringVar(&c.targetProfile, "target-profile", "", "AWS `profile` with credentials for the account of target roles")
}

// check also chooses: on a machine with no kubeconfig, the podpass up of it.
func (c *grantPlace) check(a *app) (problems []error) {
	named := c.kubeconfig != "" || c.context != ""
	if dir := a.env.dataDir(); !named && !c.hosted && !c.installed && c.dataDir == "" && c.profile == "" && !a.hasKubeconfig() && dir != "" && fileExists(filepath.Join(dir, "env")) {
		c.hosted = true
	}
	if c.dataDir != "" && !named {
		c.hosted = true
	}
	if c.hosted && (c.kubeconfig != "" || c.context != "") {
		problems = append(problems, errors.New("--hosted asks no Kubernetes: leave --kubeconfig and --context away"))
	}
	if c.hosted && c.cluster == "" {
		c.cluster = defaultCluster
	}
	return problems
}

// again are the flags that make another command speak of the same place.
func (c *grantPlace) again() string {
	out := c.clusterConnection.flagsAgain() + c.accountConnection.flagsAgain()
	if c.cluster != "" && (!c.hosted || c.cluster != defaultCluster) {
		out += " --cluster " + c.cluster
	}
	if c.hosted && c.dataDir == "" {
		out += " --hosted"
	}
	if c.targetProfile != "" {
		out += " --target-profile " + shellPath(c.targetProfile)
	}
	return out
}

// grantWorld connects to all that grants need, and finds out which cluster it is. namespace is the one of the kubeconfig's context.
func (a *app) grantWorld(ctx context.Context, c *grantPlace) (w grant.World, namespace string, err error) {
	if c.hosted {
		return a.hostedWorld(ctx, c)
	}
	kube, namespace, err := a.kubeClient(&c.clusterConnection)
	if err != nil {
		return w, "", err
	}
	issuer, err := kube.Facts().Issuer(ctx)
	if err != nil {
		return w, "", failed(c.kubectl()+" get --raw /.well-known/openid-configuration   # who may read it: clusterrole system:service-account-issuer-discovery", "%w", err)
	}
	w.Service = grant.Kubernetes(kube)
	if w.Cluster.Issuer, err = identity.ParseIssuer(issuer, identity.IssuerRules{HTTP: true, Port: true}); err != nil {
		return w, "", failed("podpass cluster register --help   # an issuer that IAM takes, or none at all", "the cluster's own %w", err)
	}
	if w.Home, err = a.openAccount(ctx, &c.accountConnection, &c.clusterConnection); err != nil {
		return w, "", err
	}
	if err := a.findCluster(ctx, c, &w); err != nil {
		return w, "", err
	}
	if w.Cluster.Agents, err = kube.Facts().Agents(ctx); err != nil {
		fmt.Fprintf(a.Err, "podpass: could not look for the agent of Pod Identity: %v\n", err)
	}
	if w.Target, err = a.targetAccount(ctx, c, &w); err != nil {
		return w, "", err
	}
	return w, namespace, nil
}

// findCluster finds the cluster in the account. A name that is given must be the kubeconfig's cluster's: permissions for another one would be of no use
// here, and of use there. Auto Mode has the agent built in.
func (a *app) findCluster(ctx context.Context, c *grantPlace, w *grant.World) error {
	issuer := w.Cluster.Issuer.String()
	hint := c.cluster
	if hint == "" {
		hint = a.eksClusterHint(&c.clusterConnection)
	}
	found, err := w.Home.Clusters().Find(ctx, hint, issuer)
	switch {
	case err == nil && c.cluster != "" && found.Name != c.cluster:
		return failed(a.repeat("--cluster", found.Name), "the kubeconfig's cluster is %s, not %s: its issuer is %s", found.Name, c.cluster, issuer)
	case err == nil:
		w.Cluster.Name, w.Cluster.ARN = found.Name, found.ARN
		if found.AutoMode {
			w.Cluster.Agents = []string{"EKS Auto Mode"}
		}
		return nil
	case errors.Is(err, account.ErrNoCluster) && c.cluster != "":
		fmt.Fprintf(a.Err, "podpass: %v; %s is taken for its name\n", err, c.cluster)
		w.Cluster.Name = c.cluster
		return nil
	case errors.Is(err, account.ErrNoCluster) || account.Denied(err) && c.cluster == "":
		fmt.Fprintf(a.Err, "podpass: %v: IRSA only\n", err)
		w.Cluster.Name = nameOfIssuer(w.Cluster.Issuer)
		return nil
	}
	return failed("aws eks list-clusters   # may "+w.Home.Caller+" describe clusters?", "%w", err)
}

// nameOfIssuer is what a cluster that EKS does not know is called in the names of roles.
func nameOfIssuer(issuer identity.Issuer) string {
	host, _, _ := strings.Cut(issuer.HostPath(), "/")
	host, _, _ = strings.Cut(host, ":")
	sum := sha256.Sum256([]byte(issuer.String())) // EKS's issuers of a region share their host
	return strings.ReplaceAll(host, ".", "-") + "-" + hex.EncodeToString(sum[:4])
}

// targetAccount has the profile's credentials, and the endpoint of the podpass that the home account is in, unless the profile names its own.
func (a *app) targetAccount(ctx context.Context, c *grantPlace, w *grant.World) (*account.Account, error) {
	if c.targetProfile == "" {
		return nil, nil
	}
	own := accountConnection{profile: c.targetProfile, region: w.Home.Region, iamRate: c.iamRate, eksRate: c.eksRate}
	if c.dataDir == "" && !c.installed && !c.hosted {
		return a.openAccount(ctx, &own, &c.clusterConnection)
	}
	settings, err := a.awsConfig(ctx, &own, &c.clusterConnection)
	if err != nil {
		return nil, err
	}
	if settings.BaseEndpoint != nil {
		return a.openAccount(ctx, &own, &c.clusterConnection)
	}
	out, err := w.Home.As(ctx, settings.Credentials)
	return out, a.explainAccount(err, settings)
}

// hostedWorld is a cluster that podpass hosts itself: its service accounts are podpass's own.
func (a *app) hostedWorld(ctx context.Context, c *grantPlace) (w grant.World, namespace string, err error) {
	conn, err := a.connect(ctx, connectConfig{dataDir: c.dataDir})
	if err != nil {
		return w, "", err
	}
	known, err := conn.DescribeCluster(ctx, c.cluster)
	if err != nil {
		return w, "", conn.explain(err)
	}
	settings := c.of(conn)
	if w.Home, err = account.Connect(ctx, settings, account.Options{Rates: c.rates()}); err != nil {
		return w, "", a.explainAccount(err, settings)
	}
	w.Cluster = grant.Cluster{Name: known.Name, ARN: known.ARN, Issuer: identity.MustIssuer(known.Issuer)}
	if conn.agent.url != "" && conn.agent.cluster == c.cluster {
		w.Cluster.Agents = []string{"the agent of podpass up"}
	}
	w.Service = &hostedAccounts{conn.Client, c.cluster}
	w.Target, err = a.targetAccount(ctx, c, &w)
	return w, "default", err
}

// hostedAccounts are the service accounts of a cluster that podpass hosts.
type hostedAccounts struct {
	*api.Client
	cluster string
}

func (h *hostedAccounts) named(name identity.ServiceAccount) api.ServiceAccountName {
	return api.ServiceAccountName{Cluster: h.cluster, Namespace: name.Namespace, Name: name.Name}
}

func (h *hostedAccounts) Read(ctx context.Context, name identity.ServiceAccount) (*grant.Account, error) {
	out, err := h.GetServiceAccount(ctx, h.named(name))
	if err != nil || !out.Exists {
		return nil, err
	}
	return &grant.Account{Annotations: out.Annotations}, nil
}

func (h *hostedAccounts) HasNamespace(context.Context, string) (bool, error) { return true, nil }

func (h *hostedAccounts) write(ctx context.Context, name identity.ServiceAccount, annotations map[string]string) error {
	_, err := h.Apply(ctx, &api.ApplyRequest{Documents: []api.Document{{
		APIVersion: api.Version, Kind: api.KindServiceAccount,
		Metadata: api.Metadata{Name: name.Name, Namespace: name.Namespace, Annotations: annotations},
		Spec:     &api.ServiceAccountSpec{Cluster: h.cluster},
	}}})
	return err
}

func (h *hostedAccounts) Create(ctx context.Context, name identity.ServiceAccount, annotations map[string]string) error {
	there, err := h.Read(ctx, name)
	if err != nil || there != nil {
		return err
	}
	return h.write(ctx, name, annotations)
}

func (h *hostedAccounts) Annotate(ctx context.Context, name identity.ServiceAccount, set map[string]string, remove ...string) error {
	there, err := h.Read(ctx, name)
	if err != nil {
		return err
	}
	annotations := map[string]string{}
	if there != nil {
		for key, value := range there.Annotations {
			annotations[key] = value
		}
	}
	for _, key := range remove {
		delete(annotations, key)
	}
	for key, value := range set {
		annotations[key] = value
	}
	return h.write(ctx, name, annotations)
}

// Delete keeps it, without the marks of grants: podpass has no call that removes one.
func (h *hostedAccounts) Delete(ctx context.Context, name identity.ServiceAccount) (string, error) {
	return "clusters that podpass hosts keep their service accounts", h.Annotate(ctx, name, nil, grant.Annotations()...)
}

func (h *hostedAccounts) Witness(_ context.Context, name identity.ServiceAccount) (grant.Witness, error) {
	return &hostedWitness{h, name}, nil
}

// hostedWitness stands for the pod that podpass run would be.
type hostedWitness struct {
	*hostedAccounts
	name identity.ServiceAccount
}

func (h *hostedWitness) Environment() map[string]string { return nil }

func (h *hostedWitness) Audience() string { return "" }

func (h *hostedWitness) Token(ctx context.Context, audience string) (string, error) {
	out, err := h.CreateToken(ctx, &api.CreateTokenRequest{ServiceAccountName: h.named(h.name), Audience: audience})
	if err != nil {
		return "", err
	}
	return out.Token, nil
}

func (h *hostedWitness) Close(context.Context) error { return nil }
