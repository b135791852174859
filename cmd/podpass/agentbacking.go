package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/upstream"
)

// agentBacking puts what stands behind the agent into its plan, and gathers every mistake. It makes no call.
type agentBacking struct {
	*agentConfig
	app      *app
	plan     *agentPlan
	region   string // "" if none is named
	client   *http.Client
	problems []error
}

// backing sets up the backend, the podpass servers' API and the keys.
func (c *agentConfig) backing(a *app, p *agentPlan, kube *rest.Config) []error {
	b := &agentBacking{agentConfig: c, app: a, plan: p, region: cmp.Or(c.region, a.env.get("AWS_REGION"), a.env.get("AWS_DEFAULT_REGION"))}
	var err error
	b.client, err = a.followingClient()
	b.note(err != nil, "%w", err)
	servers := c.servers
	if at := a.env.get("AWS_ENDPOINT_URL"); at != "" && len(c.servers)+len(c.endpoints)+len(c.stsEndpoints) == 0 {
		servers = []string{at}
	}
	b.check()
	switch {
	case b.stsAlone():
		b.anySTS()
	case len(servers) > 0:
		b.podpass(servers)
	default:
		b.eksAuth()
	}
	if len(c.stsEndpoints) > 0 {
		b.roleSTS(upstream.NewEndpoints(b.parsed("sts-endpoint", c.stsEndpoints), upstream.Options{}))
	}
	err = c.keySource(p, kube, b.client)
	b.note(err != nil, "%w", err)
	return b.problems
}

func (b *agentBacking) note(bad bool, format string, args ...any) {
	if bad {
		b.problems = append(b.problems, fmt.Errorf(format, args...))
	}
}

func (b *agentBacking) check() {
	b.note(b.region != "" && !identity.ValidRegion(b.region), "--region %q is not a region name such as us-west-2", b.region)
	b.note(len(b.servers) > 0 && len(b.endpoints) > 0, "only one of --server and --endpoint can stand behind the agent")
	b.note(b.irsaAudience == "", "--irsa-audience is empty: it is the audience of the tokens of annotated service accounts, most often sts.amazonaws.com")
	if b.stsAlone() {
		return
	}
	b.note(b.roleARN != "" || b.roleMap != "", "--role-arn and --role-map are for --sts-endpoint alone; EKS Auth knows the role from the association")
	b.note(b.cluster == "", "--cluster-name is missing: it is the name the cluster is registered by")
	b.note(b.cluster != "" && !identity.ValidClusterName(b.cluster), "--cluster-name %q is not the name of a cluster: 1 to 100 of the characters A-Z a-z 0-9 _-", b.cluster)
}

// stsAlone is an agent without EKS Auth. Beside --server or --endpoint --sts-endpoint is for the roles that pods name.
func (c *agentConfig) stsAlone() bool {
	return len(c.stsEndpoints) > 0 && len(c.servers)+len(c.endpoints) == 0
}

// roleSTS is the STS for the roles that pods name.
func (b *agentBacking) roleSTS(endpoints *upstream.Endpoints) {
	b.plan.agent.IRSA = &agent.IRSA{
		Backend: agent.STS(upstream.NewSTS(endpoints, nil, b.client), nil), Audience: b.irsaAudience, MaxRoles: b.maxRoles,
	}
}

// anySTS is given the pods' own tokens.
func (b *agentBacking) anySTS() {
	roles, err := b.roles()
	b.note(err != nil, "%w", err)
	endpoints := upstream.NewEndpoints(b.parsed("sts-endpoint", b.stsEndpoints), upstream.Options{})
	b.plan.agent.Backend = agent.STS(upstream.NewSTS(endpoints, nil, b.client), roles)
}

// podpass is EKS Auth at podpass servers, whose own API is asked too.
func (b *agentBacking) podpass(servers []string) {
	list := b.parsed("server", servers)
	endpoints := upstream.NewEndpoints(list, upstream.Options{})
	credentials := b.ownCredentials(b.app, b.region, endpoints, b.client)
	for _, e := range list {
		one, err := api.New(api.Config{Endpoint: e.URL, Region: e.Region, Credentials: credentials, HTTP: b.client})
		b.note(err != nil, "--server: %w", err)
		b.plan.servers.clients = append(b.plan.servers.clients, one)
	}
	b.plan.agent.Audience = identity.PodIdentity
	b.plan.agent.Backend = agent.EKSAuth(upstream.NewEKSAuth(endpoints, credentials, b.client), b.cluster)
	b.roleSTS(endpoints) // theirs too
}

// eksAuth is AWS's, or whatever --endpoint names.
func (b *agentBacking) eksAuth() {
	list := b.endpoints
	if len(list) == 0 && b.region != "" {
		list = []string{"https://eks-auth." + b.region + "." + identity.PartitionOf(b.region).DualStackSuffix}
	}
	b.note(len(list) == 0, "--region is missing (or set AWS_REGION): EKS Auth is asked in one, https://eks-auth.REGION.api.aws")
	endpoints := upstream.NewEndpoints(b.parsed("endpoint", list), upstream.Options{})
	b.plan.agent.Audience = identity.PodIdentity
	b.plan.agent.Backend = agent.EKSAuth(upstream.NewEKSAuth(endpoints, b.ownCredentials(b.app, b.region, nil, b.client), b.client), b.cluster)
}

// parsed are a flag's endpoints, less those that are none.
func (b *agentBacking) parsed(flag string, list []string) (endpoints []upstream.Endpoint) {
	for _, text := range list {
		e, err := upstream.ParseEndpoint(text, b.region, b.insecureHTTP)
		if err != nil {
			b.note(true, "--%s: %w", flag, err)
			continue
		}
		endpoints = append(endpoints, e)
	}
	return endpoints
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
