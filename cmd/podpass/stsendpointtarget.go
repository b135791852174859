package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/stsendpoint"
)

// stsTarget is what get and set are about: some of one kind, or, where that is "", a whole namespace.
type stsTarget struct {
	kind  string // as Kubernetes spells it
	names []string
}

// stsKinds are what can be named, with what kubectl calls them for short.
var stsKinds = []struct {
	kind  string
	words []string
}{
	{"ServiceAccount", []string{"serviceaccount", "serviceaccounts", "sa"}},
	{"Deployment", []string{"deployment", "deployments", "deploy"}},
	{"StatefulSet", []string{"statefulset", "statefulsets", "sts"}},
	{"DaemonSet", []string{"daemonset", "daemonsets", "ds"}},
	{"Job", []string{"job", "jobs"}},
	{"CronJob", []string{"cronjob", "cronjobs", "cj"}},
	{"Pod", []string{"pod", "pods", "po"}},
	{"Namespace", []string{"namespace", "namespaces", "ns"}},
}

func stsKind(word string) (string, error) {
	var all []string
	for _, k := range stsKinds {
		if slices.Contains(k.words, strings.ToLower(word)) {
			return k.kind, nil
		}
		all = append(all, k.words[0])
	}
	return "", fmt.Errorf("%q is none of %s", word, strings.Join(all, ", "))
}

// parseSTSTarget reads KIND NAME... and KIND/NAME...
func parseSTSTarget(args []string) (t stsTarget, err error) {
	if len(args) == 0 {
		return t, nil
	}
	if !strings.Contains(args[0], "/") {
		if t.kind, err = stsKind(args[0]); err != nil {
			return t, err
		}
		if t.names = args[1:]; len(t.names) == 0 {
			return t, fmt.Errorf("which %s? its name is missing", args[0])
		}
		for _, name := range t.names {
			if name == "" || strings.Contains(name, "/") {
				return t, fmt.Errorf("%q is no name of a %s", name, args[0])
			}
		}
		return t, nil
	}
	for _, arg := range args {
		word, name, _ := strings.Cut(arg, "/")
		kind, err := stsKind(word)
		switch {
		case err != nil:
			return t, err
		case name == "" || strings.Contains(name, "/"):
			return t, fmt.Errorf("%q is not KIND/NAME", arg)
		case t.kind != "" && t.kind != kind:
			return t, fmt.Errorf("%q: one kind at a time, and %s came first", arg, strings.ToLower(t.kind))
		}
		t.kind, t.names = kind, append(t.names, name)
	}
	return t, nil
}

// words make another call speak of the same.
func (t stsTarget) words(namespace string) string {
	out := ""
	if t.kind != "" {
		out = " " + strings.ToLower(t.kind) + " " + strings.Join(t.names, " ")
	}
	if t.kind != "Namespace" && namespace != "" {
		out += " -n " + shellPath(namespace)
	}
	return out
}

// scopes are the accounts that set is about.
func (c *stsSetConfig) scopes(ctx context.Context, k *cluster.Client) ([]stsendpoint.Scope, error) {
	switch c.target.kind {
	case "ServiceAccount":
		return []stsendpoint.Scope{{Namespace: c.namespace, Accounts: c.target.names}}, c.noNamespace(ctx, k, c.namespace)
	case "Namespace":
		var out []stsendpoint.Scope
		for _, name := range c.target.names {
			if err := c.noNamespace(ctx, k, name); err != nil {
				return nil, err
			}
			accounts, err := annotatedAccounts(ctx, k, name)
			if err != nil {
				return nil, err
			}
			if len(accounts) > 0 {
				out = append(out, stsendpoint.Scope{Namespace: name, Accounts: accounts})
			}
		}
		return out, nil
	}
	var accounts []string
	for _, name := range c.target.names {
		account, err := c.accountOf(ctx, k, name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(accounts, account) {
			accounts = append(accounts, account)
		}
	}
	return []stsendpoint.Scope{{Namespace: c.namespace, Accounts: accounts}}, nil
}

// noNamespace is an error where a namespace does not exist. Who may not look at namespaces is taken to know.
func (c *stsPlace) noNamespace(ctx context.Context, k *cluster.Client, name string) error {
	if there, err := k.ServiceAccounts().HasNamespace(ctx, name); there || err != nil {
		return nil
	}
	return c.unknownNamespace(name)
}

func (c *stsPlace) unknownNamespace(name string) error {
	return failed(c.kubectl()+" get namespaces", "the cluster has no namespace %s", name)
}

// annotatedAccounts are those of a namespace that have a role, or the setting already.
func annotatedAccounts(ctx context.Context, k *cluster.Client, namespace string) (out []string, err error) {
	err = k.ServiceAccounts().Each(ctx, namespace, func(object *core.ServiceAccount) error {
		_, set := object.Annotations[stsendpoint.Annotation]
		if set || object.Annotations["eks.amazonaws.com/role-arn"] != "" {
			out = append(out, object.Name)
		}
		return nil
	})
	return out, err
}

// accountOf is the account of a workload, or of a pod.
func (c *stsSetConfig) accountOf(ctx context.Context, k *cluster.Client, name string) (string, error) {
	kind, namespace := c.target.kind, c.namespace
	missing := failed(c.kubectl()+" get "+strings.ToLower(kind)+" -n "+shellPath(namespace), "namespace %s has no %s %s", namespace, strings.ToLower(kind), name)
	if kind == "Pod" {
		pod, err := k.Pods().Get(ctx, namespace, name)
		if err != nil {
			return "", err
		}
		if pod == nil {
			return "", missing
		}
		return cluster.AccountOf(&pod.Spec), nil
	}
	all, err := k.Workloads().Read(ctx, namespace)
	found := all.Named(kind, namespace, name)
	if found == nil {
		if unread := all.Unread(kind); unread != nil {
			return "", unread
		}
		if err != nil && ctx.Err() != nil {
			return "", err
		}
		return "", missing
	}
	account, _ := found.ServiceAccount()
	return account.Name, nil
}
