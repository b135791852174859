package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/agent/handover"
	"github.com/podpass/podpass/agent/link"
)

// drainTimeout bounds the requests under way when an agent ends; the kubelet kills it after as long.
const drainTimeout = 30 * time.Second

// What a node gives up for an agent: this much, and what each pod of a full cache takes. Go's collector otherwise lets the heap double, which after a
// burst of first requests is most of the process. GOGC and GOMEMLIMIT overrule it.
const (
	agentMemory    = 20 << 20 // bytes
	agentPodMemory = 6 << 10
	agentGCPercent = 50
)

// spareMemory keeps the process as small as its job is.
func (a *app) spareMemory(pods int) {
	if a.env.get("GOGC") == "" && a.env.get("GOMEMLIMIT") == "" {
		debug.SetGCPercent(agentGCPercent)
		debug.SetMemoryLimit(agentMemory + int64(pods)*agentPodMemory)
	}
}

// serveAgent runs an agent until SIGINT or SIGTERM, or until another one has replaced it.
func (a *app) serveAgent(ctx context.Context, p *agentPlan) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	a.spareMemory(p.agent.MaxCache)
	context.AfterFunc(ctx, func() {
		stop() // the second signal does what it does to any process
		p.log.Info("stopping when the requests under way are answered; interrupt again to stop at once", "delay", p.linger)
	})
	if len(p.links) > 0 {
		states, _ := link.Ensure(p.links...) // what is missing shows when it cannot be listened at
		for _, s := range states {
			p.log.Info("address", "state", s.String())
		}
	}
	return p.run(ctx, func(urls []string) error {
		giveBackProgram()
		line := "ready " + strings.Join(urls, " ")
		if p.agent.Cluster != "" {
			line += "  cluster " + p.agent.Cluster
		}
		_, err := fmt.Fprintln(a.Out, line)
		return err
	})
}

// run serves what was planned until the context is done, and for p.linger after that if no other agent takes over before. ready is called with the URLs pods use when all of them answer.
func (p *agentPlan) run(ctx context.Context, ready func(urls []string) error) error {
	n, err := p.build()
	if err != nil {
		return err
	}
	taken, err := p.listen(ctx)
	if err != nil {
		return err
	}
	if taken.From != nil {
		defer taken.From.Close()
		if err := n.Import(taken.State); err != nil {
			p.log.Warn("starting with an empty cache", "error", err)
		}
	}
	working, rest := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	defer group.Wait()
	defer rest()
	group.Go(func() { n.run(working, p) })
	<-n.Running() // or a probe that comes with the old agent's socket would find it is not ready

	s := &agentServers{failed: make(chan error, 1)}
	defer s.end(p)
	urls := p.serveAll(s, n, taken)
	if taken.From != nil {
		if err := taken.From.Serving(ctx); err != nil {
			p.log.Warn("the agent that was replaced did not say that it stopped", "error", err)
		}
		taken.Late(ctx)
		p.serveAdmin(s, n, taken)
	}
	replaced, err := p.beReplaced(working, &group, n, taken)
	if err != nil {
		return err
	}
	if err := ready(urls); err != nil {
		return err
	}
	select {
	case <-p.over(ctx, working):
		return nil
	case err := <-s.failed:
		return err
	case successor := <-replaced:
		defer successor.Close()
		s.stop()
		if err := successor.Release(); err != nil {
			p.log.Warn("the agent that takes over has ended", "error", err)
		}
		s.end(p)
		rest() // now: until here a probe may still want to know whether this agent is ready
		return p.outlived(ctx, successor)
	}
}

// over is closed when an agent that is asked to end has waited for its successor long enough. A DaemonSet's new agent shares the old one's probes
// and so looks ready before it is: the old pod may be deleted when the new one has hardly begun.
func (p *agentPlan) over(asked, working context.Context) <-chan struct{} {
	if p.linger == 0 {
		return asked.Done()
	}
	over := make(chan struct{})
	context.AfterFunc(asked, func() {
		timer := time.NewTimer(p.linger)
		defer timer.Stop()
		select {
		case <-timer.C:
			close(over)
		case <-working.Done():
		}
	})
	return over
}

// outlived ends the agent that was replaced. In a pod the kubelet would start it again, to replace its successor in turn: there it waits until the
// pod is deleted, or until the successor has ended and it is needed again.
func (p *agentPlan) outlived(ctx context.Context, successor *handover.Successor) error {
	if !p.inPod {
		return nil
	}
	p.log.Info("waiting for the end of this pod")
	if successor.Outlive(ctx) == nil {
		return failed("podpass agent   # again", "the agent that replaced this one has ended")
	}
	return nil
}

// beReplaced opens the socket for the next agent. An agent that cannot be replaced without a pause still serves, unless the socket was asked for.
func (p *agentPlan) beReplaced(ctx context.Context, group *sync.WaitGroup, n *agentNode, taken *handover.Taken) (<-chan *handover.Successor, error) {
	if p.socket == "" {
		return nil, nil
	}
	door, err := handover.Open(p.socket, p.log)
	if err != nil && p.socketGiven && taken.From == nil {
		return nil, failed("podpass agent --handover-socket /run/podpass-agent/handover.sock   # in a directory this user may write to", "--handover-socket: %w", err)
	}
	if err != nil {
		p.log.Warn("the next agent cannot replace this one without a pause", "error", err)
		return nil, nil
	}
	replaced := make(chan *handover.Successor, 1)
	group.Go(func() {
		defer door.Close()
		successor, err := door.Serve(ctx, func() (handover.Hand, error) {
			state, err := n.Export()
			return handover.Hand{Listeners: taken.Listeners, State: state}, err
		})
		switch {
		case err == nil:
			replaced <- successor
		case ctx.Err() == nil:
			p.log.Error("the next agent cannot replace this one without a pause", "error", err)
		}
	})
	return replaced, nil
}

// agentServers is all that listens.
type agentServers struct {
	all    []*handover.Server
	served []net.Listener
	group  sync.WaitGroup
	failed chan error // the first that ended of itself
}

func (s *agentServers) serve(h *http.Server, listeners ...net.Listener) {
	server := handover.NewServer(h)
	s.all, s.served = append(s.all, server), append(s.served, listeners...)
	for _, l := range listeners {
		s.group.Go(func() {
			if err := server.Serve(l); err != nil {
				select {
				case s.failed <- fmt.Errorf("serving at %s: %w", l.Addr(), err):
				default:
				}
			}
		})
	}
}

func (s *agentServers) serves(l net.Listener) bool { return slices.Contains(s.served, l) }

func (s *agentServers) stop() {
	for _, server := range s.all {
		server.Stop()
	}
}

// end stops and answers what is under way. Doing so twice does nothing more.
func (s *agentServers) end(p *agentPlan) {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	for _, server := range s.all {
		if err := server.Drain(ctx); err != nil {
			p.log.Warn("requests were cut off", "error", err)
		}
	}
	s.group.Wait()
}

// serveAll starts all servers whose listeners are there, and says under which URLs pods find the agent.
func (p *agentPlan) serveAll(s *agentServers, n *agentNode, taken *handover.Taken) (urls []string) {
	var listeners []net.Listener
	for _, address := range p.addresses {
		if l, ok := taken.Listeners[address]; ok {
			listeners = append(listeners, agent.LimitSources(l, agent.MaxConnections))
			urls = append(urls, credentialsURL(l.Addr().String()))
		}
	}
	s.serve(&http.Server{
		Handler: n.Handler(), ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: agent.MaxHeaderBytes, ErrorLog: debugLog(p.log),
	}, listeners...)
	p.serveAdmin(s, n, taken)
	return urls
}

// credentialsURL is what pods are told.
func credentialsURL(address string) string {
	return "http://" + strings.TrimSuffix(address, ":80") + "/v1/credentials"
}
