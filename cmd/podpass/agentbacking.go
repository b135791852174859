package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"

	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/upstream"
)

// backing sets up what stands behind the agent: the backend, the podpass servers' API, the keys. It makes no call.
func (c *agentConfig) backing(a *app, p *agentPlan, kube *rest.Config) (problems []error) {
	note := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	region := cmp.Or(c.region, a.env.get("AWS_REGION"), a.env.get("AWS_DEFAULT_REGION"))
	note(region != "" && !identity.ValidRegion(region), "--region %q is not a region name such as us-west-2", region)
	roots, err := a.roots()
	note(err != nil, "%w", err)
	client := upstream.NewHTTPClient(roots)

	servers := c.servers
	if at := a.env.get("AWS_ENDPOINT_URL"); at != "" && len(c.servers)+len(c.endpoints)+len(c.stsEndpoints) == 0 {
		servers = []string{at}
	}
	behind := 0
	for _, list := range [][]string{servers, c.endpoints, c.stsEndpoints} {
		if len(list) > 0 {
			behind++
		}
	}
	note(behind > 1, "only one of --server, --endpoint and --sts-endpoint can stand behind the agent")
	note(len(c.stsEndpoints) == 0 && (c.roleARN != "" || c.roleMap != ""), "--role-arn and --role-map are for --sts-endpoint; EKS Auth knows the role from the association")
	note(len(c.stsEndpoints) == 0 && c.cluster == "", "--cluster-name is missing: it is the name the cluster is registered by")
	note(len(c.stsEndpoints) == 0 && c.cluster != "" && !identity.ValidClusterName(c.cluster), "--cluster-name %q is not the name of a cluster: 1 to 100 of the characters A-Z a-z 0-9 _-", c.cluster)

	endpoints := func(flag string, list []string) *upstream.Endpoints {
		parsed := make([]upstream.Endpoint, 0, len(list))
		for _, text := range list {
			e, err := c.parseEndpoint(text, region)
			note(err != nil, "--%s: %w", flag, err)
			parsed = append(parsed, e)
		}
		return upstream.NewEndpoints(parsed, upstream.Options{})
	}
	var podpass *upstream.Endpoints
	if len(servers) > 0 {
		podpass = endpoints("server", servers)
	}
	credentials := c.ownCredentials(a, region, podpass, client)
	switch {
	case len(c.stsEndpoints) > 0:
		roles, err := c.roles()
		note(err != nil, "%w", err)
		p.agent.Backend = agent.STS(upstream.NewSTS(endpoints("sts-endpoint", c.stsEndpoints), nil, client), roles)
	case len(servers) > 0:
		p.agent.Backend = agent.EKSAuth(upstream.NewEKSAuth(podpass, credentials, client), c.cluster)
		for _, text := range servers {
			if e, err := c.parseEndpoint(text, region); err == nil {
				one, err := api.New(api.Config{Endpoint: e.URL, Region: e.Region, Credentials: credentials, HTTP: client})
				note(err != nil, "--server: %w", err)
				p.servers.clients = append(p.servers.clients, one)
			}
		}
	default:
		list := c.endpoints
		if len(list) == 0 && region != "" {
			list = []string{"https://eks-auth." + region + "." + identity.PartitionOf(region).DualStackSuffix}
		}
		note(len(list) == 0, "--region is missing (or set AWS_REGION): EKS Auth is asked in one, https://eks-auth.REGION.api.aws")
		p.agent.Backend = agent.EKSAuth(upstream.NewEKSAuth(endpoints("endpoint", list), credentials, client), c.cluster)
	}
	if len(c.stsEndpoints) == 0 {
		p.agent.Audience = agent.PodIdentityAudience
	}
	if err := c.keySource(p, kube, client); err != nil {
		problems = append(problems, err)
	}
	return problems
}

func (c *agentConfig) parseEndpoint(text, region string) (upstream.Endpoint, error) {
	return upstream.ParseEndpoint(text, region, c.insecureHTTP)
}

func (c *agentConfig) roles() (agent.Roles, error) {
	switch {
	case c.roleARN != "" && c.roleMap != "", c.roleARN == "" && c.roleMap == "":
		return nil, errors.New("--sts-endpoint needs --role-arn or --role-map, which say whose role to ask for")
	case c.roleARN != "":
		arn, err := identity.ParseRoleARN(c.roleARN)
		if err != nil {
			return nil, fmt.Errorf("--role-arn %q is not the ARN of a role, such as arn:aws:iam::111122223333:role/web", c.roleARN)
		}
		return agent.OneRole(arn), nil
	}
	text, err := readCapped(c.roleMap, 4<<20)
	if err != nil {
		return nil, fmt.Errorf("--role-map: %w", err)
	}
	return agent.ParseRoles(text)
}

// roots are the certificates of AWS_CA_BUNDLE, as every SDK reads it; nil for the system's.
func (a *app) roots() (*x509.CertPool, error) {
	bundle := a.env.get("AWS_CA_BUNDLE")
	if bundle == "" {
		return nil, nil
	}
	pem, err := readCapped(bundle, 4<<20)
	roots := x509.NewCertPool()
	if err == nil && !roots.AppendCertsFromPEM(pem) {
		err = fmt.Errorf("%s holds no certificate", bundle)
	}
	if err != nil {
		return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
	}
	return roots, nil
}

// serverList is the replicas of one podpass server. The one that answered last is asked first; where it does not answer, the next time the
// next is. A refusal is an answer.
type serverList struct {
	clients []*api.Client
	at      atomic.Uint32
}

func (s *serverList) current() (client *api.Client, failed func(error)) {
	at := s.at.Load()
	return s.clients[int(at)%len(s.clients)], func(err error) {
		if err != nil && !errors.As(err, new(*api.Error)) {
			s.at.CompareAndSwap(at, at+1)
		}
	}
}

// WatchAssociations makes the list an agent.AssociationWatcher. Revisions are the store's, which all replicas share.
func (s *serverList) WatchAssociations(ctx context.Context, in *api.WatchAssociationsRequest) (*api.WatchAssociationsResult, error) {
	client, failed := s.current()
	out, err := client.WatchAssociations(ctx, in)
	failed(err)
	return out, err
}

// keys asks the replicas in turn, within the one call: a token waits for it.
func (s *serverList) keys(ctx context.Context, cluster string) (out *api.ClusterKeysResult, err error) {
	for range s.clients {
		client, failed := s.current()
		if out, err = client.GetClusterKeys(ctx, cluster); err == nil || errors.As(err, new(*api.Error)) {
			return out, err
		}
		failed(err)
	}
	return nil, err
}

var _ agent.AssociationWatcher = (*serverList)(nil)
