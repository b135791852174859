package agent

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// bindPatience is how long a pod may be ahead of the watch that tells its address: containers start before the API server has it.
const bindPatience = 2 * time.Second

// PodAddresses says where the node's pods are.
type PodAddresses interface {
	// Addresses are those a pod's requests can come from: for a pod on the host's network the node's, its loopback's and the agent's own,
	// which the kernel chooses as source of what stays on the node. known is false of a pod that is not on this node.
	Addresses(podUID string) (addrs []netip.Addr, known bool)
	// Wait returns when the pod is known with an address, or the context is done.
	Wait(ctx context.Context, podUID string)
	// Ready is an error until the node's pods are known at all.
	Ready() error
}

// admit refuses the tokens of deleted pods and, with address binding, those that do not come from their pod.
func (a *Agent) admit(ctx context.Context, c *caller) *Error {
	a.mu.Lock()
	_, gone := a.gone.get(c.podUID)
	a.mu.Unlock()
	if gone {
		return denied("Pod of the service account token has been deleted",
			"pod "+c.podUID+" has been deleted from the cluster, and its token with it")
	}
	if a.cfg.Bind == nil {
		return nil
	}
	if !c.from.IsValid() {
		return denied("Called from an address that cannot be read", "the request's source address is not an IP address")
	}
	if c.podUID == "" {
		return denied("Service account token is of no pod",
			"the token names no pod, and this agent serves a pod's token at the pod's own address only")
	}
	addrs, known := a.cfg.Bind.Addresses(c.podUID)
	if len(addrs) == 0 {
		waiting, cancel := context.WithTimeout(ctx, bindPatience)
		a.cfg.Bind.Wait(waiting, c.podUID)
		cancel()
		addrs, known = a.cfg.Bind.Addresses(c.podUID)
	}
	notReady := a.cfg.Bind.Ready()
	switch {
	case !known && notReady != nil:
		return unavailable("Pod of the service account token is not known yet", notReady.Error())
	case !known:
		return denied("Pod of the service account token is not on this node",
			"pod "+c.podUID+" is not known on this node; tokens are served only at the address of the pod they are of")
	case !slices.ContainsFunc(addrs, func(x netip.Addr) bool { return x.Unmap().WithZone("") == c.from }):
		return denied("Called from an address that is not the pod's",
			"the token is of pod "+c.podUID+", which does not have the address "+c.from.String()+" the request came from")
	}
	return nil
}

// denied is a refusal in the form of the EKS agent's own.
func denied(what, reason string) *Error {
	return &Error{Status: http.StatusForbidden, Message: "Access Denied. " + what, Reason: reason}
}
