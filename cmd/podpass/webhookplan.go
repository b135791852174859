package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/webhook/associations"
)

// webhookPlan is a webhookConfig that was understood: all a webhook needs, and nothing of it running.
type webhookPlan struct {
	webhookConfig
	kube     *rest.Config
	servers  []associations.Server // none: there are no associations
	member   string                // in the write barrier: this process
	tls      tlsRules
	listen   string
	metrics  string // "": none
	registry *prometheus.Registry
	log      *slog.Logger
}

// plan makes sense of the flags and reports every mistake. It makes no call.
func (c *webhookConfig) plan(a *app, given func(flag string) bool) (*webhookPlan, []error) {
	p := &webhookPlan{registry: prometheus.NewRegistry(), member: memberID(a.env.get("HOSTNAME"))}
	p.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	var err error
	p.log, err = newLogger(a.Err, c.logFormat, c.logLevel)
	note(err)
	p.kube, err = c.kube()
	note(err)
	c.settings, err = c.settings.Complete()
	note(err)
	p.tls, err = c.tlsRules(given)
	note(err)
	problems = append(problems, c.backing(a, p)...)
	if c.guardCopyCA && !c.guard {
		note(errors.New("--guard-copy-ca needs --guard"))
	}
	if c.port != 0 && c.port == c.metricsPort {
		note(errors.New("--port and --metrics-port must differ"))
	}
	for flag, span := range map[string]time.Duration{"shutdown-delay": c.shutdownDelay, "resync-period": c.resync, "certificate-overlap": c.certificateOverlap} {
		if span < 0 {
			note(fmt.Errorf("--%s must not be negative", flag))
		}
	}
	p.listen, p.metrics = net.JoinHostPort(trimBrackets(c.bindAddress), strconv.Itoa(int(c.port))), localPort(trimBrackets(c.metricsAddress), c.metricsPort)
	p.webhookConfig = *c
	return p, problems
}

// memberID is one that no other process has: a pod's name would be the next container's too.
func memberID(host string) string {
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return -1
	}, host)
	if len(host) > 40 {
		host = host[len(host)-40:] // a pod's name differs from its siblings' at the end
	}
	return strings.TrimLeft(host+"-"+strings.ToLower(rand.Text()[:12]), "-")
}

// kube is how the API server is reached. As the EKS webhook: --kube-api, --kubeconfig, and with neither as the pod the webhook runs in.
func (c *webhookConfig) kube() (*rest.Config, error) {
	if c.kubeconfig == "" && c.kubeAPI == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, errors.New("--kubeconfig is missing: outside of a pod the webhook needs one to read service accounts")
		}
		return config, nil
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: c.kubeconfig}, &clientcmd.ConfigOverrides{ClusterInfo: clientcmdapi.Cluster{Server: c.kubeAPI}})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig: %w", err)
	}
	return config, nil
}

// backing is the podpass server, through which associations are followed.
func (c *webhookConfig) backing(a *app, p *webhookPlan) (problems []error) {
	if len(c.servers) == 0 {
		if c.cluster != "" || c.serverCA != "" {
			problems = append(problems, errors.New("--cluster-name and --server-ca are for --server, which is missing"))
		}
		return problems
	}
	if !identity.ValidClusterName(c.cluster) {
		problems = append(problems, fmt.Errorf("--cluster-name %q is not the name of a cluster: 1 to 100 of the characters A-Z a-z 0-9 _-, as it was registered", c.cluster))
	}
	region := cmp.Or(c.region, a.env.get("AWS_REGION"), a.env.get("AWS_DEFAULT_REGION"), c.settings.DefaultRegion)
	servers, mistakes := c.reach(a, region)
	p.servers = servers
	return append(problems, mistakes...)
}

// newLogger writes to w what is at least of the level.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return slog.New(slog.DiscardHandler), fmt.Errorf("--log-level must be debug, info, warn or error, not %q", level)
	}
	switch options := (&slog.HandlerOptions{Level: least}); format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return slog.New(slog.DiscardHandler), fmt.Errorf("--log-format must be text or json, not %q", format)
}
