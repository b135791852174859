package api

import (
	"context"
	"net/http"
	"time"
)

// Mechanism by which a service account's pods get credentials.
type Mechanism string

const (
	IRSA        Mechanism = "irsa"         // web identity: the role-arn annotation
	PodIdentity Mechanism = "pod-identity" // an association
)

// RoleARNAnnotation names the role of a service account that uses IRSA.
const RoleARNAnnotation = "eks.amazonaws.com/role-arn"

// ServiceAccount is what is known of a service account, and what a pod of it would get.
type ServiceAccount struct {
	Cluster     string            `json:"cluster"`
	ClusterARN  string            `json:"clusterArn"`
	Account     string            `json:"account"` // of the cluster
	Region      string            `json:"region"`
	Namespace   string            `json:"namespace"`
	Name        string            `json:"name"`
	UID         string            `json:"uid,omitempty"`
	Exists      bool              `json:"exists"` // applied here; only hosted clusters hold service accounts
	Hosted      bool              `json:"hosted"` // podpass issues this cluster's tokens
	Annotations map[string]string `json:"annotations,omitempty"`
	Association *Association      `json:"association,omitempty"`
	Mechanism   Mechanism         `json:"mechanism,omitempty"` // "" where neither association nor annotation names a role
	Role        string            `json:"role,omitempty"`      // ARN, as the mechanism names it
}

// Association of a service account with a role.
type Association struct {
	ID                 string    `json:"id"`  // a-…
	ARN                string    `json:"arn"` // arn:PARTITION:eks:REGION:ACCOUNT:podidentityassociation/CLUSTER/ID
	Role               string    `json:"role"`
	TargetRole         string    `json:"targetRole,omitempty"`
	DisableSessionTags bool      `json:"disableSessionTags,omitempty"`
	Upstream           bool      `json:"upstream,omitempty"` // the role is of an upstream account: its credentials are good there, and not here
	Created            time.Time `json:"created"`
	Modified           time.Time `json:"modified"`
}

// ServiceAccountName says which one is meant.
type ServiceAccountName struct {
	Cluster, Namespace, Name string
}

func (n ServiceAccountName) path(more ...string) string {
	return path(append([]string{"clusters", n.Cluster, "namespaces", n.Namespace, "serviceaccounts", n.Name}, more...)...)
}

// GetServiceAccount looks a service account up. One that was never applied is answered too, with Exists false.
func (c *Client) GetServiceAccount(ctx context.Context, name ServiceAccountName) (*ServiceAccount, error) {
	out := new(ServiceAccount)
	return out, c.call(ctx, http.MethodGet, name.path(), nil, out)
}

// RolesResult lists roles by ARN, sorted.
type RolesResult struct {
	Roles     []string `json:"roles"`
	Truncated bool     `json:"truncated"` // there are more than 100
}

// RolesFor lists the roles of the cluster's account whose trust policy would admit the service account through web identity.
func (c *Client) RolesFor(ctx context.Context, name ServiceAccountName) (*RolesResult, error) {
	out := new(RolesResult)
	return out, c.call(ctx, http.MethodGet, name.path("roles"), nil, out)
}

// CreateTokenRequest asks a hosted cluster's issuer for a service account's token.
type CreateTokenRequest struct {
	ServiceAccountName `json:"-"`
	Audience           string `json:"audience"`                  // 1–255 characters
	DurationSeconds    int    `json:"durationSeconds,omitempty"` // 600–86400; default 3600
	PodName            string `json:"podName,omitempty"`         // default NAME-xxxxx
	PodUID             string `json:"podUid,omitempty"`          // default: a fresh one
}

// CreateTokenResult holds a token bound to a pod.
type CreateTokenResult struct {
	Token      string    `json:"token"`
	Expiration time.Time `json:"expiration"`
	Issuer     string    `json:"issuer"`
	UID        string    `json:"uid"` // of the service account
	PodName    string    `json:"podName"`
	PodUID     string    `json:"podUid"`
}

// CreateToken issues a token. The service account need not have been applied: one that has not gets a uid derived from its name, so that
// `podpass run` works before anything else was set up.
func (c *Client) CreateToken(ctx context.Context, in *CreateTokenRequest) (*CreateTokenResult, error) {
	out := new(CreateTokenResult)
	return out, c.call(ctx, http.MethodPost, in.path("token"), in, out)
}
