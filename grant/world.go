package grant

import (
	"context"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/identity"
)

// World is where grants are made.
type World struct {
	Cluster Cluster
	Home    *account.Account // the cluster's
	Target  *account.Account // of target roles; nil where there are no credentials for one
	Service Accounts         // the cluster's service accounts
}

// Cluster is what grants need to know of a cluster.
type Cluster struct {
	Name   string // in the account's EKS; of a cluster EKS does not know, a name for people
	ARN    string // "" of a cluster EKS does not know
	Issuer identity.Issuer
	// Agents serve Pod Identity on its nodes; none where nobody does.
	Agents []string
}

// Accounts are a cluster's service accounts: those of Kubernetes, or of a cluster that podpass hosts.
type Accounts interface {
	// Read is one, nil where it does not exist.
	Read(ctx context.Context, name identity.ServiceAccount) (*Account, error)
	// Create makes one. That it exists already is no error, and then it is left as it is.
	Create(ctx context.Context, name identity.ServiceAccount, annotations map[string]string) error
	// Annotate sets and removes annotations and leaves everything else alone.
	Annotate(ctx context.Context, name identity.ServiceAccount, set map[string]string, remove ...string) error
	// Delete deletes one, and says why not where it had better stay.
	Delete(ctx context.Context, name identity.ServiceAccount) (kept string, err error)
	// HasNamespace reports whether a namespace exists.
	HasNamespace(ctx context.Context, name string) (bool, error)
	// Witness is a pod of the account as the cluster makes one now.
	Witness(ctx context.Context, name identity.ServiceAccount) (Witness, error)
}

// Account is a service account as it is.
type Account struct {
	Annotations map[string]string
	Owner       string // the tool that keeps it, "" where none has left its mark
}

// Witness is a pod that was made to see what pods of a service account get.
type Witness interface {
	// Environment is what the pod's container was given: names to values. nil where the cluster injects nothing by its nature.
	Environment() map[string]string
	// Audience is that of the token the pod was given, "" where it was given none.
	Audience() string
	// Token is one of the pod's for an audience.
	Token(ctx context.Context, audience string) (string, error)
	// Close takes the pod away.
	Close(ctx context.Context) error
}
