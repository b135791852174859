package stsendpoint

import (
	"context"
	"fmt"
	"strings"

	"github.com/podpass/podpass/account"
)

// Cloud is what an AWS account is asked. All of it is optional: what an account does not know, or does not tell, is in World.Unseen.
type Cloud struct {
	Region   string
	Issuer   func(context.Context) (string, error) // of the cluster's tokens
	Hint     string                                // the cluster's name in the account, as a guess
	Clusters interface {
		Find(ctx context.Context, hint, issuer string) (*account.Cluster, error)
	}
	Network interface {
		Region(ctx context.Context, name string) (*account.Region, error)
		WithoutDefaultRoute(ctx context.Context, vpc string, subnets []string) ([]string, error)
		Endpoints(ctx context.Context, vpc string) ([]string, error)
	}
}

// look finds the cluster in the account, by the issuer of its tokens, and the network it is in.
func (c *Cloud) look(ctx context.Context, w *World) {
	issuer, err := c.Issuer(ctx)
	if err != nil {
		w.unseen("the cluster in its AWS account", err)
		return
	}
	found, err := c.Clusters.Find(ctx, c.Hint, issuer)
	if err != nil {
		w.unseen("the cluster in its AWS account", err)
		return
	}
	w.Region, w.Platform = c.Region, found.PlatformVersion
	if found.VPC == "" {
		w.unseen("the cluster's network", fmt.Errorf("the account knows cluster %s, and of no VPC: whether it is private is not known", found.Name))
		return
	}
	n := &Network{Cluster: found.Name, VPC: found.VPC}
	closed, err := c.Network.WithoutDefaultRoute(ctx, found.VPC, found.Subnets)
	if err != nil {
		w.unseen("the cluster's network", err)
		return
	}
	endpoints, err := c.Network.Endpoints(ctx, found.VPC)
	if err != nil {
		w.unseen("the cluster's network", err)
		return
	}
	n.Closed = len(found.Subnets) > 0 && len(closed) == len(found.Subnets)
	for _, name := range endpoints {
		n.STS = n.STS || strings.HasSuffix(name, "."+c.Region+".sts")
	}
	w.Network = n
}

// regions asks about the regions that pods are in.
func (c *Cloud) regions(ctx context.Context, w *World, pods []*Pod) {
	names := map[string]bool{w.Region: true}
	for _, p := range pods {
		names[p.Region] = true
	}
	delete(names, "")
	for name := range names {
		if _, known := w.OptIn[name]; known {
			continue
		}
		found, err := c.Network.Region(ctx, name)
		if err != nil {
			w.unseen("whether regions have to be opted into", err)
			return // the next one would fail alike
		}
		w.OptIn[name] = OptInState{found.OptIn, found.In}
	}
}
