package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/agent/link"
)

const agentLong = `Serve credentials to the pods of this node, as the EKS Pod Identity Agent does: its flags, ports, probes and metrics, one cache, and renewal ahead
of expiry. The link-local addresses are put in place first, on the link pod-id-link0, or on loopback where the kernel has no dummy links; where
that is not permitted, "podpass agent initialize" does it beforehand. Of several hosts to bind those that exist are: a node without IPv6 is
served over IPv4.

Behind it stands one of
  --server        a podpass server: EKS Auth there; cluster keys and changes of associations come from it too
  --endpoint      EKS Auth elsewhere; AWS's own of the region if none of the three is given and AWS_ENDPOINT_URL is not set
  --sts-endpoint  any STS, which is given the pod's own token, for the role of --role-arn or --role-map
Pods may also name their role themselves, GET /v1/credentials?role-arn=ARN with a token for STS (IRSA through the agent): it is the STS of the
podpass servers that is asked then, or the one of --sts-endpoint, which may stand beside --server and --endpoint for this alone.
Each takes a list, as URL or REGION=URL: where one does not answer, the next is asked. The agent signs with the credentials the AWS SDKs find.
It starts without them, and without what stands behind it.

With --kubeconfig, or in a pod with a service account token, and a node name the agent follows the node's pods: nothing is renewed for one that
was deleted, and with --bind-pod-addresses a token is served only at its own pod's address.

--keys says where the keys come from that a token must be signed with:
  auto            the podpass server, else the API server, else none
  server          the podpass server
  apiserver       the Kubernetes API server (/openid/v1/jwks)
  discovery=URL   the issuer URL
  FILE            a JWKS in a file
  none            tokens are left to the service behind, as the EKS agent does

A new agent asks the one that runs, over --handover-socket, for its listening sockets and its cache: while agents replace each other no
connection is refused. In a pod the old one then waits for its end, so that it is not started again.

With --loopback it is a sidecar, or a helper of a process on this machine: it listens there alone, and binds no other port unless told to. Its
last word before it serves is a line on standard output that begins with "ready" and holds the URL for AWS_CONTAINER_CREDENTIALS_FULL_URI.`

const agentExample = `  podpass agent --cluster-name prod --server https://podpass.podpass.svc:8443
  podpass agent server --cluster-name prod                                     # in front of EKS Auth
  podpass agent -c prod --endpoint https://eks-auth.us-west-2.api.aws,us-east-2=https://eks-auth.us-east-2.api.aws
  podpass agent --sts-endpoint https://minio.internal:9000 --role-map roles.json --keys apiserver --region us-west-2
  podpass agent -c local --loopback 127.0.0.1:0                                # beside podpass up`

// agent is the command and its two subcommands, which are the EKS agent's. Without one it is server.
func (a *app) agent() *cobra.Command {
	cmd := a.agentServer("agent [server|initialize] [flags]")
	cmd.Short = "Serve credentials to the pods of a node"
	cmd.AddCommand(a.agentServer("server [flags]"), a.agentInitialize())
	return cmd
}

func (a *app) agentServer(use string) *cobra.Command {
	c := &agentConfig{}
	cmd := &cobra.Command{Use: use, Short: "Serve credentials; also what agent does alone", Long: agentLong, Example: agentExample, Args: exactly()}
	c.bind(a, cmd)
	var plan *agentPlan
	return action(a, cmd, func([]string) (problems []error) {
		plan, problems = c.plan(a, cmd.Flags().Changed)
		return problems
	}, func(ctx context.Context, _ []string) error { return a.serveAgent(ctx, plan) })
}

func (a *app) agentInitialize() *cobra.Command {
	remove := false
	cmd := &cobra.Command{
		Use:   "initialize [flags]",
		Short: "Put the agent's addresses in place, or take them away",
		Long: `Put 169.254.170.23 and fd00:ec2::23 on this node: on the link pod-id-link0, or on loopback where the kernel has no dummy links. What is there
already stays as it is. A node without IPv6 gets the IPv4 address alone.`,
		Example: `  podpass agent initialize
  podpass agent initialize --remove`,
		Args: exactly(),
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take the link, or the addresses on loopback, away again")
	return action(a, cmd, nil, func(context.Context, []string) error {
		if remove {
			return a.removeLink()
		}
		states, err := link.Ensure(link.Addresses()...)
		if err != nil {
			return failed("sudo podpass agent initialize", "neither address can be had:\n%w", err)
		}
		for _, s := range states {
			fmt.Fprintln(a.Out, s)
		}
		return nil
	})
}

func (a *app) removeLink() error {
	removed, err := link.Remove(link.Addresses()...)
	for _, what := range removed {
		fmt.Fprintln(a.Out, what, "removed")
	}
	switch {
	case err != nil:
		return failed("sudo podpass agent initialize --remove", "%w", err)
	case len(removed) == 0:
		fmt.Fprintln(a.Out, "there is nothing to remove")
	}
	return nil
}
