package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podpass/podpass/install"
)

// clusterConnection says which cluster podpass is installed in.
type clusterConnection struct {
	kubeconfig, context string
	timeout             time.Duration
	rate                float64 // requests a second, 0 being the default; only of commands that have the flag
}

func (c *clusterConnection) flags(f *pflag.FlagSet) {
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` to reach the cluster with (default $KUBECONFIG, else ~/.kube/config)")
	f.StringVar(&c.context, "context", "", "`context` of the kubeconfig (default: the current one)")
}

func (c *clusterConnection) waitFlag(f *pflag.FlagSet) {
	f.DurationVar(&c.timeout, "timeout", 5*time.Minute, "how long to wait for the workloads")
}

// kubernetes makes no call.
func (a *app) kubernetes(c *clusterConnection) (*install.Cluster, error) {
	in, err := install.Connect(a.clientConfig(c))
	if clientcmd.IsEmptyConfig(err) {
		return nil, usage("export KUBECONFIG=FILE   # or --kubeconfig FILE", "no kubeconfig says which cluster is meant")
	}
	if err != nil {
		return nil, usage(c.kubectl()+" config get-contexts", "kubeconfig: %w", err)
	}
	in.Version, in.Timeout = buildVersion(), c.timeout
	in.Progress = func(line string) { fmt.Fprintln(a.Err, "podpass:", line) }
	return in, nil
}

// kubectl is the command that speaks to the same cluster.
func (c *clusterConnection) kubectl() string {
	out := "kubectl"
	if c.kubeconfig != "" {
		out += " --kubeconfig " + shellPath(c.kubeconfig)
	}
	if c.context != "" {
		out += " --context " + shellPath(c.context)
	}
	return out
}

// flagsAgain are the flags that make another podpass command speak to the same cluster.
func (c *clusterConnection) flagsAgain() string { return c.kubectl()[len("kubectl"):] }

// untilInterrupted ends the context with SIGINT or SIGTERM; a second one ends the process.
func untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// explain gives an error of an installation the hint that fits it.
func (c *clusterConnection) explain(err error) error {
	var values *install.ValuesError
	var conflict *install.ConflictError
	var taken *install.AgentTakenError
	var forbidden *install.ForbiddenError
	var pending *install.PendingError
	var revision *install.NoRevisionError
	var undone *install.FailedError
	var late *install.NotReadyError
	var network *url.Error
	again := c.flagsAgain()
	switch {
	case err == nil:
		return nil
	case errors.As(err, &values):
		return usage("podpass install --help   # docs/install.md has all values", "%w", err)
	case errors.As(err, &undone):
		return failed(fmt.Sprintf("podpass install history%s\npodpass install --no-rollback --apply   # and the same flags: leaves what fails to be looked at", again), "%w", err)
	case errors.As(err, &conflict):
		return failed(c.kubectl()+" get -o yaml KIND NAME   # whose is it?\npodpass install --take-ownership   # and the same flags, if it was kubectl apply of podpass's own manifests", "%w", err)
	case errors.As(err, &taken):
		return failed("podpass install --set agent.enabled=false   # and the same flags: keeps AWS's agent\n"+
			"aws eks delete-addon --cluster-name NAME --addon-name eks-pod-identity-agent   # or "+c.kubectl()+" delete daemonset -n "+taken.AgentNamespace+" eks-pod-identity-agent\n"+
			"podpass install --beside-eks-agent   # and the same flags, if they run on different nodes", "%w", err)
	case errors.As(err, &forbidden):
		return failed(c.kubectl()+" label namespace "+install.Namespace+" pod-security.kubernetes.io/enforce=privileged --overwrite", "%w", err)
	case errors.As(err, &pending):
		hint := "podpass install rollback" + again + "   # if nobody is at it any more"
		if pending.Revision == 1 {
			hint = "podpass uninstall" + again + "   # if nobody is at it any more"
		}
		return failed(hint, "%w", err)
	case errors.As(err, &revision):
		return failed("podpass install history"+again, "%w", err)
	case errors.Is(err, install.ErrNotInstalled):
		return failed(c.kubectl()+" get all -n "+install.Namespace+"   # what kubectl apply has made, kubectl delete removes", "%w", err)
	case errors.As(err, &late):
		return failed(c.kubectl()+" get pods -n "+install.Namespace, "%w", err)
	case errors.Is(err, context.Canceled):
		return failed("podpass install history"+again, "interrupted: what was begun is neither finished nor undone")
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
		return failed(c.kubectl()+" auth whoami   # installing takes an administrator of the cluster", "%w", err)
	case errors.As(err, &network):
		return failed(c.kubectl()+" cluster-info", "the API server cannot be reached: %w", err)
	}
	return failed(c.kubectl()+" get all -n "+install.Namespace, "%w", err)
}
