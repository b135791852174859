package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
)

// keySource is where the keys come from that a token must be signed with.
func (c *agentConfig) keySource(p *agentPlan, kube *rest.Config, client *http.Client) error {
	from := c.keys
	if from == "auto" {
		switch {
		case len(p.servers.clients) > 0:
			from = "server"
		case kube != nil:
			from = "apiserver"
		default:
			from = "none"
		}
	}
	issuer, discovery := strings.CutPrefix(from, "discovery=")
	switch {
	case from == "none":
		return nil
	case from == "server" && len(p.servers.clients) == 0:
		return errors.New("--keys server needs --server")
	case from == "server":
		p.agent.Keys = serverKeys(&p.servers, c.cluster)
		return nil
	case from == "apiserver" && kube == nil:
		return errors.New("--keys apiserver needs --kubeconfig, or a service account token in the agent's pod")
	case from == "apiserver":
		reading := rest.CopyConfig(kube)
		reading.Timeout = 5 * time.Second
		reader, err := rest.HTTPClientFor(reading)
		if err != nil {
			return fmt.Errorf("--keys apiserver: %w", err)
		}
		p.agent.Keys = token.Refreshing(token.APIServer(reader, kube.Host), time.Now)
		return nil
	case discovery:
		if _, err := identity.ParseIssuer(issuer, identity.IssuerRules{Port: true}); err != nil {
			return fmt.Errorf("--keys: %w", err)
		}
		p.agent.Issuer, p.agent.Keys = issuer, token.Refreshing(token.Discover(client, issuer), time.Now)
		return nil
	}
	text, err := readCapped(from, 1<<20)
	if err != nil {
		return fmt.Errorf("--keys must be auto, server, apiserver, discovery=URL, none or a file: %w", err)
	}
	set, err := token.ParseJWKS(text)
	if err != nil {
		return fmt.Errorf("--keys %s: %w", from, err)
	}
	p.agent.Keys = token.Static(set)
	return nil
}
