package api

import (
	"context"
	"net/http"
	"time"
)

// Cluster is a registered cluster as the API shows it: never with its kubeconfig or private keys.
type Cluster struct {
	Name        string            `json:"name"`
	ARN         string            `json:"arn"` // arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME
	Account     string            `json:"account"`
	Region      string            `json:"region"`
	Issuer      string            `json:"issuer"`
	KeySource   string            `json:"keySource"`        // "jwks", "discovery", "apiserver", "incluster" or "hosted"
	KeyIDs      []string          `json:"keyIds,omitempty"` // of pinned and hosted keys
	AllowNoPod  bool              `json:"allowNoPod"`
	TokenReview bool              `json:"tokenReview"`
	Tags        map[string]string `json:"tags,omitempty"`
	Created     time.Time         `json:"created"`
	Provider    string            `json:"provider"`    // ARN of the IAM OIDC provider registered with it
	AgentRole   string            `json:"agentRole"`   // ARN of the role its agent uses
	WebhookRole string            `json:"webhookRole"` // ARN of the role its webhook uses
}

// RegisterClusterRequest registers a cluster, or changes the flags, tags and keys of one already registered with the same issuer.
type RegisterClusterRequest struct {
	Name string `json:"-"` // 1–100 characters, [0-9A-Za-z][A-Za-z0-9_-]*; unique per installation
	ClusterSpec
	Tags map[string]string `json:"tags,omitempty"`
}

// RegisterClusterResult says what registering did.
type RegisterClusterResult struct {
	Cluster Cluster `json:"cluster"`
	Action  Change  `json:"action"`
}

// RegisterCluster sets up the cluster, its OIDC provider and the two roles its agent and webhook use, all in one transaction. Registering
// again with the same issuer is not an error; with another one it is.
func (c *Client) RegisterCluster(ctx context.Context, in *RegisterClusterRequest) (*RegisterClusterResult, error) {
	out := new(RegisterClusterResult)
	return out, c.call(ctx, http.MethodPut, path("clusters", in.Name), in, out)
}

// ListClustersResult is in the order of names.
type ListClustersResult struct {
	Clusters []Cluster `json:"clusters"`
}

// ListClusters lists the clusters of the caller's account; of every account to callers of the management account.
func (c *Client) ListClusters(ctx context.Context) (*ListClustersResult, error) {
	out := new(ListClustersResult)
	return out, c.call(ctx, http.MethodGet, path("clusters"), nil, out)
}

// DescribeCluster shows one cluster.
func (c *Client) DescribeCluster(ctx context.Context, name string) (*Cluster, error) {
	out := new(Cluster)
	return out, c.call(ctx, http.MethodGet, path("clusters", name), nil, out)
}

// DeregisterCluster removes a cluster with its associations, service accounts, OIDC provider and the two roles registering made. Tokens of
// its issuer are refused from then on.
func (c *Client) DeregisterCluster(ctx context.Context, name string) (*Cluster, error) {
	out := new(Cluster)
	return out, c.call(ctx, http.MethodDelete, path("clusters", name), nil, out)
}

// RotateClusterKeyResult says when the new key of a hosted cluster's issuer takes over.
type RotateClusterKeyResult struct {
	KeyID   string    `json:"keyId"`
	Signs   time.Time `json:"signs"`   // published now; signs from then on
	Current string    `json:"current"` // key id that signs until then
}

// RotateClusterKey publishes a new issuer key for a hosted cluster. It signs once verifiers have had time to fetch it; the old key stays
// published until every token it signed has expired.
func (c *Client) RotateClusterKey(ctx context.Context, name string) (*RotateClusterKeyResult, error) {
	out := new(RotateClusterKeyResult)
	return out, c.call(ctx, http.MethodPost, path("clusters", name, "rotate"), struct{}{}, out)
}
