package stsendpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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
	Patience time.Duration // for all that is asked at once; 0 is 20 seconds

	gaveUp error // why it is not asked about regions any more
}

// patience of a Cloud that has none of its own. What an account would say is of use, and nothing is to wait for it: in a VPC without endpoints, say, each
// call takes the SDK half a minute to fail, and then it tries again.
const patience = 20 * time.Second

func (c *Cloud) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.Patience > 0 {
		return context.WithTimeout(ctx, c.Patience)
	}
	return context.WithTimeout(ctx, patience)
}

// unseen notes what was not told; an account that does not answer is not asked again.
func (c *Cloud) unseen(w *World, what string, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		c.gaveUp = err
	}
	w.unseen(what, err)
}

// look finds the cluster in the account, by the issuer of its tokens, and the network it is in.
func (c *Cloud) look(ctx context.Context, w *World) {
	ctx, done := c.within(ctx)
	defer done()
	issuer, err := c.Issuer(ctx)
	if err != nil {
		c.unseen(w, "the cluster in its AWS account", err)
		return
	}
	found, err := c.Clusters.Find(ctx, c.Hint, issuer)
	if err != nil {
		c.unseen(w, "the cluster in its AWS account", err)
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
		c.unseen(w, "the cluster's network", err)
		return
	}
	endpoints, err := c.Network.Endpoints(ctx, found.VPC)
	if err != nil {
		c.unseen(w, "the cluster's network", err)
		return
	}
	n.Closed = len(found.Subnets) > 0 && len(closed) == len(found.Subnets)
	for _, name := range endpoints {
		n.STS = n.STS || strings.HasSuffix(name, "."+c.Region+".sts")
	}
	w.Network = n
}

// regions asks about the regions that pods are in. Once that has failed it would fail again, at every look at the pods.
func (c *Cloud) regions(ctx context.Context, w *World, pods []*Pod) {
	names := map[string]bool{w.Region: true}
	for _, p := range pods {
		names[p.Region] = true
	}
	delete(names, "")
	within, done := c.within(ctx)
	defer done()
	for name := range names {
		if _, known := w.OptIn[name]; known {
			continue
		}
		if c.gaveUp == nil {
			found, err := c.Network.Region(within, name)
			if err == nil {
				w.OptIn[name] = OptInState{found.OptIn, found.In}
				continue
			}
			if ctx.Err() != nil {
				return // it is not the account that gave out
			}
			c.gaveUp = err
		}
		w.unseen("whether regions have to be opted into", c.gaveUp)
		return
	}
}
