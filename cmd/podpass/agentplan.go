package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/agent/link"
)

// agentPlan is an agentConfig that was understood: all an agent needs, and nothing of it running.
type agentPlan struct {
	agent    agent.Config
	servers  serverList // podpass servers behind it, to follow associations with
	kube     *rest.Config
	nodeName string // whose pods are followed, through kube; "" if they are not
	bindPods bool
	registry *prometheus.Registry
	log      *slog.Logger

	addresses      []string     // pods call them
	links          []netip.Addr // of these, the ones to put in place first
	probe, metrics string       // "": none
	loopback       bool
	socket         string // "": agents do not replace each other
	socketGiven    bool   // so that it must work
	inPod          bool
	linger         time.Duration // serve on for so long when asked to end
}

// plan makes sense of the flags and reports every mistake. It makes no call.
func (c *agentConfig) plan(a *app, given func(flag string) bool) (*agentPlan, []error) {
	p := &agentPlan{
		socket: c.handoverSocket, socketGiven: given("handover-socket"), inPod: a.env.get("KUBERNETES_SERVICE_HOST") != "",
		registry: prometheus.NewRegistry(), loopback: c.loopback != "", linger: c.linger,
	}
	p.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	var err error
	p.log, err = agentLogger(a, c.verbosity, c.logFormat)
	note(err)
	if c.loopback != "" {
		note(c.listenOnLoopback(p, given))
	} else {
		problems = append(problems, c.listenOnNode(p)...)
	}
	if p.probe != "" && p.probe == p.metrics {
		note(errors.New("--probe-port and --metrics-port must differ"))
	}
	for _, limit := range []struct {
		flag string
		n    int64
	}{
		{"max-cache-size", int64(c.cacheSize)},
		{"max-service-qps", int64(c.qps)},
		{"max-in-flight", int64(c.inFlight)},
		{"max-roles-per-pod", int64(c.maxRoles)},
		{"max-credential-retention-before-renewal", int64(c.retention)},
	} {
		if limit.n <= 0 {
			note(fmt.Errorf("--%s must be more than 0: without cache and renewal pods lose their credentials whenever the service behind is away", limit.flag))
		}
	}
	if c.linger < 0 {
		note(errors.New("--shutdown-delay must not be negative"))
	}
	kube, err := c.kube(a)
	note(err)
	p.agent = agent.Config{
		Cluster: c.cluster, Hosts: hostsOf(p.addresses), MaxRetention: c.retention, MaxCache: c.cacheSize, MaxQPS: c.qps, MaxInFlight: c.inFlight,
		Logger: p.log, Registerer: p.registry,
	}
	problems = append(problems, c.backing(a, p, kube)...)
	note(c.follow(p, kube))
	return p, problems
}

func (c *agentConfig) listenOnLoopback(p *agentPlan, given func(string) bool) error {
	host, port, err := net.SplitHostPort(c.loopback)
	if err != nil {
		return fmt.Errorf("--loopback must be host:port, not %q", c.loopback)
	}
	addr, err := netip.ParseAddr(host)
	if host == "localhost" {
		addr, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if err != nil || !addr.IsLoopback() {
		return fmt.Errorf("--loopback must be on 127.0.0.1, [::1] or localhost, not %q", host)
	}
	if given("bind-hosts") || given("port") {
		return errors.New("--loopback says where to listen: leave --bind-hosts and --port out")
	}
	p.addresses = []string{net.JoinHostPort(addr.String(), port)}
	if given("probe-port") {
		p.probe = localPort("127.0.0.1", c.probePort)
	}
	if given("metrics-port") {
		p.metrics = localPort(c.metricsAddress, c.metricsPort)
	}
	if !p.socketGiven {
		p.socket = ""
	}
	return nil
}

func (c *agentConfig) listenOnNode(p *agentPlan) (problems []error) {
	for _, host := range c.bindHosts {
		addr, err := netip.ParseAddr(trimBrackets(host))
		if err != nil || addr.IsUnspecified() {
			problems = append(problems, fmt.Errorf("--bind-hosts: %q is not an address of this node, such as 169.254.170.23", host))
			continue
		}
		p.addresses = append(p.addresses, localPort(addr.String(), c.port))
		if slices.Contains(link.Addresses(), addr) {
			p.links = append(p.links, addr)
		}
	}
	if len(c.bindHosts) == 0 {
		problems = append(problems, errors.New("--bind-hosts is empty"))
	}
	if c.port == 0 {
		problems = append(problems, errors.New("--port must not be 0: pods have to know it"))
	}
	p.probe, p.metrics = localPort("127.0.0.1", c.probePort), localPort(trimBrackets(c.metricsAddress), c.metricsPort)
	return problems
}

// localPort is host:port, "" for port 0.
func localPort(host string, port uint16) string {
	if port == 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

// hostsOf is what the agent may be called by.
func hostsOf(addresses []string) (hosts []string) {
	for _, address := range addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		hosts = append(hosts, host)
		if addr, err := netip.ParseAddr(host); err == nil && addr.IsLoopback() && !slices.Contains(hosts, "localhost") {
			hosts = append(hosts, "localhost")
		}
	}
	return hosts
}

// agentLogger takes the EKS agent's levels, which are logrus's.
func agentLogger(a *app, verbosity, format string) (*slog.Logger, error) {
	levels := map[string]slog.Level{
		"trace": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "warning": slog.LevelWarn,
		"error": slog.LevelError, "fatal": slog.LevelError, "panic": slog.LevelError,
	}
	level, ok := levels[verbosity]
	options := &slog.HandlerOptions{Level: level}
	switch {
	case !ok:
		return slog.New(slog.DiscardHandler), fmt.Errorf("--verbosity must be panic, error, warn, info, debug or trace, not %q", verbosity)
	case format == "text":
		return slog.New(slog.NewTextHandler(a.Err, options)), nil
	case format == "json":
		return slog.New(slog.NewJSONHandler(a.Err, options)), nil
	}
	return slog.New(slog.DiscardHandler), fmt.Errorf("--log-format must be text or json, not %q", format)
}
