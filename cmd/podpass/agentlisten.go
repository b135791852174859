package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/podpass/podpass/agent/handover"
)

// listenPatience is for an agent that is about to end.
const listenPatience = 3 * time.Second

// listen gets all listeners, from the agent that runs where one does. Nothing is taken from it if this fails.
func (p *agentPlan) listen(ctx context.Context) (*handover.Taken, error) {
	addresses := p.addresses
	for _, admin := range []string{p.probe, p.metrics} {
		if admin != "" {
			addresses = append(addresses[:len(addresses):len(addresses)], admin)
		}
	}
	taken, err := handover.Take(ctx, p.socket, addresses, listenPatience)
	if err != nil {
		return nil, failed("podpass agent --handover-socket ''   # once the agent that runs has ended", "%w", err)
	}
	if err := p.enough(taken); err != nil {
		taken.Close()
		if taken.From != nil {
			taken.From.Close()
		}
		return nil, err
	}
	return taken, nil
}

// enough wants one of the addresses pods call, and none of them in other hands: pods would get there whatever is behind. Probes and metrics an
// older agent may still have in another way; they are tried again when it has let go.
func (p *agentPlan) enough(taken *handover.Taken) error {
	var missing []error
	for _, address := range p.addresses {
		err := taken.Failed[address]
		if err == nil {
			continue
		}
		if !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return explainListen(address, err, !p.loopback)
		}
		missing = append(missing, fmt.Errorf("%s is not an address of this node, or IPv6 is switched off", hostOf(address)))
		p.log.Info("left out", "address", address, "error", err)
	}
	if len(missing) == len(p.addresses) {
		return failed("sudo podpass agent initialize   # puts them in place", "there is nothing to listen at:\n%w", errors.Join(missing...))
	}
	for _, address := range []string{p.probe, p.metrics} {
		err := taken.Failed[address]
		if err != nil && !(taken.From != nil && errors.Is(err, syscall.EADDRINUSE)) {
			return explainListen(address, err, false)
		}
	}
	return nil
}

// explainListen says what to do about an address that cannot be had. forPods is one of a node, which another agent may hold.
func explainListen(address string, err error, forPods bool) error {
	_, port, _ := net.SplitHostPort(address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && !forPods:
		return failed(fmt.Sprintf("ss -ltnp 'sport = :%s'   # who has it; or take another port", port), "%s is in use by another process", address)
	case errors.Is(err, syscall.EADDRINUSE):
		return failed(fmt.Sprintf("ss -ltnp 'sport = :%s'   # who has it\nkubectl -n kube-system delete daemonset eks-pod-identity-agent   # or the add-on, if it is AWS's agent", port),
			"%s is in use by another process, and that is no podpass agent which could hand it over", address)
	case errors.Is(err, syscall.EACCES):
		return failed("sudo podpass agent   # or give it the capability NET_BIND_SERVICE, or another --port", "not permitted to listen at port %s", port)
	}
	return failed("ip address", "%w", err)
}

func hostOf(address string) string {
	host, _, _ := net.SplitHostPort(address)
	return host
}
