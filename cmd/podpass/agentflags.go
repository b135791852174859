package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/identity"
)

// agentConfig is what podpass agent is told, in words.
type agentConfig struct {
	// of the EKS agent
	port, probePort, metricsPort uint16
	metricsAddress, cluster      string
	bindHosts                    []string
	retention                    time.Duration
	cacheSize, qps               int
	rotate                       bool
	endpoints                    []string
	verbosity                    string
	// ours
	servers, stsEndpoints []string
	roleARN, roleMap      string
	irsaAudience          string
	maxRoles              int
	region                string
	insecureHTTP          bool
	keys                  string
	kubeconfig, node      string
	bindPods              bool
	inFlight              int
	handoverSocket        string
	linger                time.Duration
	loopback              string
	logFormat             string
}

// defaultHandover is where agents of a node find each other.
const defaultHandover = "/run/podpass-agent/handover.sock"

func (c *agentConfig) bind(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.Uint16VarP(&c.port, "port", "p", 80, "`port` pods call")
	f.Uint16Var(&c.probePort, "probe-port", 2703, "`port` of /healthz and /readyz on localhost; 0: none")
	f.StringVar(&c.metricsAddress, "metrics-address", "0.0.0.0", "`address` of the metrics")
	f.Uint16Var(&c.metricsPort, "metrics-port", 2705, "`port` of the metrics; 0: none")
	f.StringVarP(&c.cluster, "cluster-name", "c", "", "`name` of the cluster this node is of (required but with --sts-endpoint alone)")
	f.StringSliceVarP(&c.bindHosts, "bind-hosts", "b", []string{"169.254.170.23", "[fd00:ec2::23]"}, "`addresses` to bind; those that do not exist are left out, one must")
	f.DurationVar(&c.retention, "max-credential-retention-before-renewal", 3*time.Hour, "`age` at which credentials are renewed, unless they expire sooner")
	f.IntVar(&c.cacheSize, "max-cache-size", 2000, "`number` of pods whose credentials are kept")
	f.IntVar(&c.qps, "max-service-qps", 3, "`number` of renewals a second; first fetches wait for nothing but --max-in-flight")
	f.BoolVar(&c.rotate, "rotate-credentials", false, "read the shared credentials file again every minute (hybrid nodes)")
	f.StringSliceVar(&c.endpoints, "endpoint", nil, "`URLs` of EKS Auth, the preferred one first (default https://eks-auth.REGION.api.aws)")
	f.StringVarP(&c.verbosity, "verbosity", "v", "info", "least `level` logged: panic, error, warn, info, debug or trace")
	oneOf(cmd, "verbosity", "panic", "error", "warn", "info", "debug", "trace")

	f.StringSliceVar(&c.servers, "server", nil, "`URLs` of podpass servers, the preferred one first (default $AWS_ENDPOINT_URL)")
	f.StringSliceVar(&c.stsEndpoints, "sts-endpoint", nil, "`URLs` of an STS to give the pods' own tokens to; beside --server or --endpoint only for roles that pods name")
	f.StringVar(&c.roleARN, "role-arn", "", "`ARN` of the role every pod gets, with --sts-endpoint alone")
	f.StringVar(&c.roleMap, "role-map", "", `JSON `+"`file`"+` of the roles, with --sts-endpoint alone: {"NAMESPACE/SERVICEACCOUNT": {"RoleARN": "arn:..."}}; both may be globs`)
	f.StringVar(&c.irsaAudience, "irsa-audience", identity.STS, "`audience` of the tokens of pods that name their role (?role-arn=ARN)")
	f.IntVar(&c.maxRoles, "max-roles-per-pod", 10, "`number` of roles one pod may name within an hour")
	f.StringVar(&c.region, "region", "", "AWS `region` requests are signed for (default $AWS_REGION)")
	f.BoolVar(&c.insecureHTTP, "insecure-http", false, "speak plain HTTP to services that are not on loopback, where everyone on the way can read tokens and credentials")
	f.StringVar(&c.keys, "keys", "auto", "`source` of the cluster's keys: auto, server, apiserver, discovery=URL, FILE or none")
	oneOf(cmd, "keys", "auto", "server", "apiserver", "discovery=https://", "none")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` to reach the Kubernetes API server with (default: the pod's own service account)")
	f.StringVar(&c.node, "node-name", a.env.get("NODE_NAME"), "`name` of this node, whose pods are followed (default $NODE_NAME)")
	f.BoolVar(&c.bindPods, "bind-pod-addresses", false, "serve a token only at an address of its own pod")
	f.IntVar(&c.inFlight, "max-in-flight", 64, "`number` of calls of the service behind at a time")
	f.StringVar(&c.handoverSocket, "handover-socket", defaultHandover, "Unix `socket` over which agents replace each other; \"\": none")
	f.DurationVar(&c.linger, "shutdown-delay", 0, "`time` to serve on after SIGTERM, unless another agent takes over; in a DaemonSet longer than a new agent needs to start")
	f.StringVar(&c.loopback, "loopback", "", "`host:port` on loopback to listen at instead; port 0 lets the system pick one")
	f.StringVar(&c.logFormat, "log-format", "text", "logs on stderr as `text or json`")
	oneOf(cmd, "log-format", "text", "json")
}
