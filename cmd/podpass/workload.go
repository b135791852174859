package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/spf13/pflag"
)

// workloadConfig says whose token is meant: what run and token have in common.
type workloadConfig struct {
	connectConfig
	cluster, namespace, name string
	podName, podUID          string
}

func (c *workloadConfig) flags(f *pflag.FlagSet) {
	c.connectConfig.flags(f)
	f.StringVarP(&c.namespace, "namespace", "n", "default", "`namespace` of the service account")
	c.clusterFlag(f, &c.cluster, "`name` of the cluster the service account belongs to")
	f.StringVar(&c.podName, "pod-name", "", "`name` of the pod the token is bound to (default: the account's with a random ending)")
	f.StringVar(&c.podUID, "pod-uid", "", "`uid` of the pod the token is bound to (default: a random one)")
}

func (c *workloadConfig) check() []error {
	if _, err := identity.ParseServiceAccount(c.namespace, c.name); err != nil {
		return []error{err}
	}
	return nil
}

// account is namespace/name, as people write it.
func (c *workloadConfig) account() string { return c.namespace + "/" + c.name }

// lifetime is a flag's duration, written as Go's (90m) or, as in EKS's annotations, in seconds (5400).
type lifetime time.Duration

func (l *lifetime) String() string { return time.Duration(*l).String() }
func (l *lifetime) Type() string   { return "duration" }

func (l *lifetime) Set(text string) error {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		*l = lifetime(time.Duration(seconds) * time.Second)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("must be a duration such as 1h or a number of seconds, not %q", text)
	}
	*l = lifetime(d)
	return nil
}

func (l lifetime) seconds() int { return int(time.Duration(l) / time.Second) }

// check refuses what no issuer grants: kube-apiserver's least is 10 minutes, and what EKS and we give at most is a day.
func (l lifetime) check(flag string) []error {
	if d := time.Duration(l); d < 10*time.Minute || d > 24*time.Hour {
		return []error{fmt.Errorf("--%s must be between 10m and 24h, not %v", flag, d)}
	}
	return nil
}
