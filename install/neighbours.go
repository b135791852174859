package install

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Neighbours is what else in the cluster does what podpass does.
type Neighbours struct {
	// Webhook says that AWS's webhook is there: EKS's managed one, or one that somebody installed.
	Webhook bool `json:"podIdentityWebhook,omitempty"`
	// AgentNamespace is where AWS's agent is, "" without one, and AgentNodes on how many nodes.
	AgentNamespace string `json:"eksPodIdentityAgentNamespace,omitempty"`
	AgentNodes     int32  `json:"eksPodIdentityAgentNodes,omitempty"`
}

// The names AWS's own are installed by.
const (
	eksWebhook = "pod-identity-webhook"
	eksAgent   = "eks-pod-identity-agent"
)

// Neighbours looks for AWS's own webhook and agent.
func (c *Cluster) Neighbours(ctx context.Context) (Neighbours, error) {
	var n Neighbours
	_, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, eksWebhook, meta.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return n, err
	}
	n.Webhook = err == nil
	sets, err := c.client.AppsV1().DaemonSets("").List(ctx, meta.ListOptions{FieldSelector: "metadata.name=" + eksAgent})
	if err != nil {
		return n, err
	}
	for _, d := range sets.Items {
		n.AgentNamespace = d.Namespace
		n.AgentNodes += d.Status.DesiredNumberScheduled
	}
	return n, nil
}

// Notes say what the neighbours mean for an installation, with or without our agent.
func (n Neighbours) Notes(agent bool) (notes []string) {
	if n.Webhook {
		notes = append(notes, "AWS's webhook "+eksWebhook+" is here, too. Both see every pod, and whichever comes second adds nothing: annotated accounts stay as they are")
	}
	if n.AgentNamespace != "" && !agent {
		notes = append(notes, "AWS's agent serves this cluster's nodes and stays. It asks AWS's EKS Auth unless its --endpoint says otherwise: associations made in podpass do not reach it")
	}
	return notes
}

// An AgentTakenError says that AWS's agent has the address ours would need.
type AgentTakenError struct{ Neighbours }

func (e *AgentTakenError) Error() string {
	return fmt.Sprintf("AWS's agent (daemonset %s/%s, on %d nodes) has port 80 of 169.254.170.23 there, and hands it to nobody: podpass's agent could not start",
		e.AgentNamespace, eksAgent, e.AgentNodes)
}

// A ForbiddenError says that the namespace exists and refuses pods such as the agent's.
type ForbiddenError struct{ Level string }

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("the namespace %s exists and enforces the Pod Security level %s, which forbids the agent the host's network", Namespace, e.Level)
}

// admitted asks whether the agent's pods may be made in the namespace, if there is one.
func (c *Cluster) admitted(ctx context.Context) error {
	ns, err := c.client.CoreV1().Namespaces().Get(ctx, Namespace, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if level := ns.Labels["pod-security.kubernetes.io/enforce"]; level != "" && level != "privileged" {
		return &ForbiddenError{level}
	}
	return nil
}
