package main

import (
	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podpass/podpass/cluster"
)

// rateFlag is --kube-rate.
func (c *clusterConnection) rateFlag(f *pflag.FlagSet) {
	f.Float64Var(&c.rate, "kube-rate", cluster.DefaultRate, "requests a second to the API server, at most")
}

// clientConfig reads the kubeconfig, and makes no call.
func (a *app) clientConfig(c *clusterConnection) clientcmd.ClientConfig {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: c.kubeconfig, Precedence: a.kubeconfigFiles()}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.context})
}

// kubeClient is a client of the cluster, and the namespace of the kubeconfig's context. It makes no call.
func (a *app) kubeClient(c *clusterConnection) (client *cluster.Client, namespace string, err error) {
	loader := a.clientConfig(c)
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", usage("export KUBECONFIG=FILE   # or --kubeconfig FILE", "no kubeconfig says which cluster is meant")
	}
	if err == nil {
		namespace, _, err = loader.Namespace()
	}
	if err != nil {
		return nil, "", usage(c.kubectl()+" config get-contexts", "kubeconfig: %w", err)
	}
	if client, err = cluster.Connect(config, c.rate); err != nil {
		return nil, "", usage(c.kubectl()+" cluster-info", "kubeconfig: %w", err)
	}
	return client, namespace, nil
}

// contextName is the kubeconfig's context, "" where none can be told.
func (a *app) contextName(c *clusterConnection) string {
	if c.context != "" {
		return c.context
	}
	raw, err := a.clientConfig(c).RawConfig()
	if err != nil {
		return ""
	}
	return raw.CurrentContext
}

// eksClusterHint is the name of an EKS cluster that the kubeconfig's context seems to be about: what its user's "aws eks get-token --cluster-name" has, or
// the end of its cluster's ARN. It is a first guess, never taken for the truth.
func (a *app) eksClusterHint(c *clusterConnection) string {
	raw, err := a.clientConfig(c).RawConfig()
	if err != nil {
		return ""
	}
	entry := raw.Contexts[a.contextName(c)]
	if entry == nil {
		return ""
	}
	if user := raw.AuthInfos[entry.AuthInfo]; user != nil && user.Exec != nil {
		for i, arg := range user.Exec.Args {
			if (arg == "--cluster-name" || arg == "-i" || arg == "--cluster-id") && i+1 < len(user.Exec.Args) {
				return user.Exec.Args[i+1]
			}
		}
	}
	return clusterOfARN(entry.Cluster)
}
