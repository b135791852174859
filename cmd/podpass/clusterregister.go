package main

import (
	"context"
	"errors"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/token"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

type registerConfig struct {
	connectConfig
	jwksFile, kubeconfig, context string
	discovery                     bool
	issuer, account, region       string
	allowNoPod, tokenReview       bool
	tags                          map[string]string
	output                        format
}

func (a *app) clusterRegister() *cobra.Command {
	c := &registerConfig{}
	cmd := &cobra.Command{
		Use:   "register NAME {--jwks-file FILE | --discovery | --kubeconfig FILE} [--issuer URL] [flags]",
		Short: "Register a cluster: its issuer and where its keys come from",
		Long: `Register a cluster: the issuer of its tokens and where the keys come from that verify them. In the same step its OIDC provider and the two
roles its agent and webhook use are made. Registering again changes keys and settings; the issuer stays.

  --jwks-file    keys are those of a file; the server dials nothing (clusters with no way in or out)
  --discovery    keys are fetched from the issuer's /.well-known/openid-configuration
  --kubeconfig   keys are fetched from the API server itself; the issuer is asked for there too, unless --issuer is given

With --token-review the API server is asked about each token before it is exchanged, so that a deleted pod's, or a deleted service account's,
stops working within 15 seconds (the API server itself honours it up to 10 seconds longer). While it cannot be asked, nothing is exchanged.

The kubeconfig is kept in the server's state with the files it names inside it: use one of a service account that may do nothing more than
get /openid/v1/jwks and, for --token-review, what the cluster role system:auth-delegator allows. Kubeconfigs that run a program for their
credentials are refused.`,
		Example: `  podpass cluster register prod --kubeconfig prod.kubeconfig
  podpass cluster register edge --issuer https://kubernetes.default.svc --jwks-file jwks.json
  podpass cluster register eks --issuer https://oidc.eks.us-west-2.amazonaws.com/id/EXAMPLE --discovery`,
		Args: exactly("NAME"),
	}
	f := cmd.Flags()
	c.flags(f)
	f.StringVar(&c.jwksFile, "jwks-file", "", "`file` of the keys: kubectl get --raw /openid/v1/jwks")
	f.BoolVar(&c.discovery, "discovery", false, "fetch the keys from the issuer")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` to reach the API server with")
	f.StringVar(&c.context, "context", "", "`context` of the kubeconfig")
	f.StringVar(&c.issuer, "issuer", "", "`URL` of the issuer, exactly as the tokens' iss claim has it")
	f.StringVar(&c.account, "account", "", "`id` of the account it belongs to (default: yours)")
	f.StringVar(&c.region, "region", "", "`region` it stands in (default: the server's)")
	f.BoolVar(&c.allowNoPod, "allow-no-pod", false, "accept tokens bound to no pod for Pod Identity")
	f.BoolVar(&c.tokenReview, "token-review", false, "ask the API server about each token (needs --kubeconfig)")
	f.StringToStringVar(&c.tags, "tags", nil, "`key=value` pairs, separated by commas")
	f.Lookup("tags").DefValue = "" // help would show it as []
	outputFlag(cmd, &c.output)
	return action(a, cmd, func([]string) []error { return c.check() },
		func(ctx context.Context, args []string) error { return a.register(ctx, c, args[0]) })
}

func (c *registerConfig) check() (problems []error) {
	sources := 0
	for _, given := range []bool{c.jwksFile != "", c.discovery, c.kubeconfig != ""} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		problems = append(problems, errors.New("give exactly one of --jwks-file, --discovery and --kubeconfig"))
	}
	if c.issuer == "" && c.kubeconfig == "" && sources == 1 {
		problems = append(problems, errors.New("--issuer is missing (kubectl get --raw /.well-known/openid-configuration shows it)"))
	}
	if c.kubeconfig == "" && (c.context != "" || c.tokenReview) {
		problems = append(problems, errors.New("--context and --token-review need --kubeconfig"))
	}
	return problems
}

func (a *app) register(ctx context.Context, c *registerConfig, name string) error {
	in := &api.RegisterClusterRequest{Name: name, Tags: c.tags, ClusterSpec: api.ClusterSpec{
		Account: c.account, Region: c.region, Issuer: c.issuer, AllowNoPod: c.allowNoPod, TokenReview: c.tokenReview,
		Keys: api.ClusterKeys{Discovery: c.discovery},
	}}
	switch {
	case c.jwksFile != "":
		text, err := readCapped(c.jwksFile, 1<<20)
		if err != nil {
			return usage("kubectl get --raw /openid/v1/jwks > jwks.json", "--jwks-file: %w", err)
		}
		in.Keys.JWKS = string(text)
	case c.kubeconfig != "":
		var err error
		if in.Keys.Kubeconfig, err = c.flatKubeconfig(); err != nil {
			return usage("kubectl --kubeconfig "+shellPath(c.kubeconfig)+" config get-contexts", "kubeconfig: %w", err)
		}
		if in.Issuer == "" {
			in.Issuer, err = issuerOf(ctx, in.Keys.Kubeconfig)
		}
		if err != nil {
			return failed("kubectl --kubeconfig "+shellPath(c.kubeconfig)+" get --raw /.well-known/openid-configuration", "kubeconfig %s: %w", c.kubeconfig, err)
		}
	}
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return err
	}
	out, err := conn.RegisterCluster(ctx, in)
	if err != nil {
		return conn.explain(err)
	}
	return c.output.print(a.Out, out, nil, append([][]string{{"Cluster", string(out.Action)}}, clusterRows(&out.Cluster)...))
}

// flatKubeconfig is one context of the kubeconfig, with the content of every file it names.
func (c *registerConfig) flatKubeconfig() (string, error) {
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: c.kubeconfig}, &clientcmd.ConfigOverrides{CurrentContext: c.context})
	raw, err := loader.RawConfig()
	if err != nil {
		return "", err
	}
	if c.context != "" {
		raw.CurrentContext = c.context
	}
	if err := clientcmdapi.MinifyConfig(&raw); err != nil {
		return "", err
	}
	if err := clientcmdapi.FlattenConfig(&raw); err != nil {
		return "", err
	}
	for _, user := range raw.AuthInfos {
		if user.Exec != nil || user.AuthProvider != nil {
			return "", errors.New("it runs a program for its credentials, which the server will not: use a service account's token or a client certificate")
		}
		if user.TokenFile != "" {
			token, err := readCapped(user.TokenFile, 1<<16)
			if err != nil {
				return "", err
			}
			user.Token, user.TokenFile = string(token), ""
		}
	}
	text, err := clientcmd.Write(raw)
	return string(text), err
}

// issuerOf asks the API server for the issuer of its tokens.
func issuerOf(ctx context.Context, kubeconfig string) (string, error) {
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return "", err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return "", err
	}
	client.Timeout = callTimeout
	return token.APIServerIssuer(ctx, client, config.Host)
}
