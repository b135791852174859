package main

import (
	"context"

	"github.com/spf13/cobra"
)

const webhookLong = `Give pods their AWS identity as they are created: a mutating admission webhook that stands in for Amazon's pod identity webhook, with its paths,
annotations, labels, configuration files, flags and metrics, and adds to a pod what that one would add.

What a pod gets is decided by its service account: an association at the podpass server (--server), or an entry of the container credentials file,
gives container credentials through the agent; the annotation eks.amazonaws.com/role-arn, or an entry of the ConfigMap, a role and a token for it. What was
acknowledged before a pod is created is always seen: the service account is read at each review, and the server acknowledges a change of an association
only when this webhook knows it. While the server cannot be reached, reviews wait two seconds at most; then /mutate goes by what was known last and warns,
and /mutate/required, where pods and namespaces with the label podpass.io/inject=required are sent, refuses.

The webhook serves HTTPS: with its own certificates, kept in a Secret and published in the webhook configuration (--certificate-secret,
--webhook-configuration), or with files, which are read again when they change (--in-cluster=false, --tls-cert, --tls-key). /healthz and /readyz answer on
the same port. Its last word before it serves is a line on standard output that begins with "ready".

It signs its requests to the server with the role of its own service account (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE), or with the credentials that the
AWS SDKs find. On SIGTERM /readyz fails, reviews are answered for --shutdown-delay longer, and those under way are finished.`

const webhookExample = `  podpass webhook --server https://podpass-server.podpass-system.svc:8600 --cluster-name prod --namespace podpass-system \
    --service-name podpass-webhook --certificate-secret podpass-webhook-certificate --webhook-configuration podpass --guard
  podpass webhook --in-cluster=false --namespace default --watch-config-map       # as the EKS webhook's own manifests start it
  podpass webhook --in-cluster=false --kubeconfig ~/.kube/config --tls-cert tls.crt --tls-key tls.key --bind-address 127.0.0.1 --port 8443`

// webhook is the command.
func (a *app) webhook() *cobra.Command {
	c := &webhookConfig{}
	cmd := &cobra.Command{Use: "webhook [flags]", Short: "Give pods their AWS identity as they are created", Long: webhookLong, Example: webhookExample, Args: exactly()}
	c.bind(cmd)
	var plan *webhookPlan
	return action(a, cmd, func([]string) (problems []error) {
		plan, problems = c.plan(a, cmd.Flags().Changed)
		return problems
	}, func(ctx context.Context, _ []string) error { return a.serveWebhook(ctx, plan) })
}
