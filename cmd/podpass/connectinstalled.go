package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podpass/podpass/cluster"
)

// findTimeout bounds the looking for podpass in a cluster, so that a cluster that is gone is not waited for long.
const findTimeout = 10 * time.Second

// installed is the podpass in a cluster, and the kubeconfig context it was found by.
type installed struct {
	*cluster.Installation
	context string
}

// kubeconfigFiles are those of kubectl.
func (a *app) kubeconfigFiles() []string {
	if list := a.env.get("KUBECONFIG"); list != "" {
		return filepath.SplitList(list)
	}
	if home := a.env.get("HOME"); filepath.IsAbs(home) {
		return []string{filepath.Join(home, ".kube", "config")}
	}
	return nil
}

// hasKubeconfig reports whether a kubeconfig says which cluster is meant. One that cannot be read is not passed over.
func (a *app) hasKubeconfig() bool {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: a.kubeconfigFiles()}
	raw, err := rules.Load()
	return err != nil || raw.CurrentContext != ""
}

// kubeconfig is how the cluster of a context is reached, "" being the current one, and the context's name.
func (a *app) kubeconfig(name string) (*rest.Config, string, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: a.kubeconfigFiles()}
	raw, err := rules.Load()
	if err != nil {
		return nil, "", usage("kubectl config view", "kubeconfig: %w", err)
	}
	if name == "" {
		name = raw.CurrentContext
	}
	if name == "" {
		return nil, "", usage("kubectl config use-context NAME   # or --kube-context NAME", "no kubeconfig says which cluster is meant")
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*raw, name, &clientcmd.ConfigOverrides{}, rules).ClientConfig()
	if err != nil {
		return nil, "", usage("kubectl config get-contexts", "kubeconfig context %s: %w", name, err)
	}
	return config, name, nil
}

// find finds the podpass of a context's cluster.
func (a *app) find(ctx context.Context, kubeContext string) (*installed, error) {
	config, name, err := a.kubeconfig(kubeContext)
	if err != nil {
		return nil, err
	}
	return findIn(ctx, config, name)
}

func findIn(ctx context.Context, config *rest.Config, kubeContext string) (*installed, error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	in := &installed{context: kubeContext}
	var err error
	if in.Installation, err = cluster.Find(ctx, config); err != nil {
		return nil, in.explain(err)
	}
	return in, nil
}

// connectInstalled connects to it, with the key it had when it was found: a command is over before that is rotated.
func (a *app) connectInstalled(ctx context.Context, c connectConfig) (*connection, error) {
	in, err := a.find(ctx, c.kubeContext)
	if err != nil {
		return nil, err
	}
	if c.ownCluster != nil {
		c.ownCluster(in.Known().Cluster)
	}
	return in.connect()
}

func (in *installed) connect() (*connection, error) {
	key := in.Known()
	conn := &connection{endpoint: cluster.URL, region: key.Region, installed: in, accessKeyID: key.AccessKeyID}
	return conn.open(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, Source: "Secret " + cluster.Administrator}, nil
	}), &http.Client{Transport: in.Transport(), Timeout: callTimeout})
}

// explain gives what the cluster answered the hint that fits it.
func (in *installed) explain(err error) error {
	kubectl := "kubectl --context " + shellPath(in.context)
	switch {
	case errors.Is(err, cluster.ErrNotInstalled):
		return failed("podpass install --apply   # or name another authority: podpass up, --data-dir, --kube-context, AWS_ENDPOINT_URL",
			"kubeconfig context %s: %w", in.context, err)
	case errors.Is(err, cluster.ErrForbidden):
		return failed(kubectl+" -n "+cluster.Namespace+" auth can-i --list   # wanted: get secret "+cluster.Administrator+", get configmap "+cluster.CA+
			", list endpointslices, create pods/portforward", "kubeconfig context %s: %w", in.context, err)
	case errors.Is(err, context.DeadlineExceeded):
		return failed(kubectl+" cluster-info", "the cluster of kubeconfig context %s did not answer within %v", in.context, findTimeout)
	}
	return failed(kubectl+" -n "+cluster.Namespace+" get all", "kubeconfig context %s: %w", in.context, err)
}

// rotated waits until the server has written its new key into the Secret.
func (in *installed) rotated(ctx context.Context, accessKeyID string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		key, err := in.Key(ctx)
		if err == nil && key.AccessKeyID == accessKeyID {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the key was rotated, and Secret %s/%s does not have the new one yet", cluster.Namespace, cluster.Administrator), err)
		}
	}
}
