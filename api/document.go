package api

import (
	"encoding/json"
)

// Version is the apiVersion of every document.
const Version = "podpass.io/v1alpha1"

// Document is one object of `podpass apply`. Applying it makes the object exactly so: what an earlier version of the document, or another
// tool, had set and this one leaves out is removed. Objects belong to the account of whoever applies them.
type Document struct {
	APIVersion string   `json:"apiVersion"` // podpass.io/v1alpha1
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"` // of the kind's type, a pointer
}

// Metadata names an object. Name and namespace of an Association may be globs.
type Metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`   // Association and ServiceAccount
	Annotations map[string]string `json:"annotations,omitempty"` // ServiceAccount
	Tags        map[string]string `json:"tags,omitempty"`        // every other kind
}

// Spec is what a kind is about: *ClusterSpec, *RoleSpec, *PolicySpec, *OIDCProviderSpec, *AssociationSpec or *ServiceAccountSpec.
type Spec interface {
	check(m *Metadata, note notes)
}

// The kinds.
const (
	KindCluster        = "Cluster"
	KindRole           = "Role"
	KindPolicy         = "Policy"
	KindOIDCProvider   = "OIDCProvider"
	KindAssociation    = "Association"
	KindServiceAccount = "ServiceAccount"
)

// NewSpec is an empty spec of a kind; nil for a kind there isn't.
func NewSpec(kind string) Spec {
	switch kind {
	case KindCluster:
		return new(ClusterSpec)
	case KindRole:
		return new(RoleSpec)
	case KindPolicy:
		return new(PolicySpec)
	case KindOIDCProvider:
		return new(OIDCProviderSpec)
	case KindAssociation:
		return new(AssociationSpec)
	case KindServiceAccount:
		return new(ServiceAccountSpec)
	}
	return nil
}

// ClusterSpec registers a cluster, as `podpass cluster register` does.
type ClusterSpec struct {
	Account     string      `json:"account,omitempty"` // 12 digits; default: the caller's. Another only for the management account
	Region      string      `json:"region,omitempty"`  // default: the server's
	Issuer      string      `json:"issuer,omitempty"`  // exactly the iss claim of its tokens; hosted clusters have theirs already
	Keys        ClusterKeys `json:"keys"`
	AllowNoPod  bool        `json:"allowNoPod,omitempty"`  // accept tokens bound to no pod for Pod Identity
	TokenReview bool        `json:"tokenReview,omitempty"` // ask the API server about each token; needs a kubeconfig
}

// ClusterKeys says where the cluster's verification keys come from. Exactly one is given.
type ClusterKeys struct {
	JWKS       string `json:"jwks,omitempty"`       // the JWKS document, as text: kubectl get --raw /openid/v1/jwks
	Discovery  bool   `json:"discovery,omitempty"`  // OIDC discovery at the issuer
	Kubeconfig string `json:"kubeconfig,omitempty"` // a self-contained kubeconfig, as text: keys are the API server's own
	Hosted     bool   `json:"hosted,omitempty"`     // podpass is the issuer
}

// RoleSpec is an IAM role. Exactly one of Trust and TrustPolicy is given.
type RoleSpec struct {
	Path                string                     `json:"path,omitempty"` // default "/"
	Description         string                     `json:"description,omitempty"`
	MaxSessionDuration  int                        `json:"maxSessionDuration,omitempty"` // seconds, 3600–43200; default 3600
	Trust               *Trust                     `json:"trust,omitempty"`
	TrustPolicy         json.RawMessage            `json:"trustPolicy,omitempty"`    // a policy document
	Policies            []string                   `json:"policies,omitempty"`       // managed policies: names of this account's, or ARNs
	InlinePolicies      map[string]json.RawMessage `json:"inlinePolicies,omitempty"` // by name
	PermissionsBoundary string                     `json:"permissionsBoundary,omitempty"`
}

// Trust is short for the trust policy that admits one service account and nothing else: for IRSA the one whose conditions fix audience and
// subject, for Pod Identity the one whose conditions fix cluster, namespace and service account.
type Trust struct {
	Cluster        string    `json:"cluster,omitempty"` // default "local"
	Namespace      string    `json:"namespace"`
	ServiceAccount string    `json:"serviceAccount"`
	Mechanism      Mechanism `json:"mechanism,omitempty"` // default irsa
}

// PolicySpec is a managed policy.
type PolicySpec struct {
	Path        string          `json:"path,omitempty"`        // default "/"
	Description string          `json:"description,omitempty"` // cannot be changed later
	Document    json.RawMessage `json:"document"`              // a policy document
}

// OIDCProviderSpec is an IAM OIDC provider for an issuer other than a registered cluster's (registering one makes its provider).
type OIDCProviderSpec struct {
	URL         string   `json:"url"`
	ClientIDs   []string `json:"clientIds,omitempty"` // audiences; default sts.amazonaws.com
	Thumbprints []string `json:"thumbprints,omitempty"`
}

// AssociationSpec gives the service account that the metadata names, or every one that its globs match, a role through Pod Identity.
type AssociationSpec struct {
	Cluster            string          `json:"cluster,omitempty"`    // default "local"
	Role               string          `json:"role"`                 // name of a role of the cluster's account, or an ARN of it
	TargetRole         string          `json:"targetRole,omitempty"` // ARN of a role that is assumed from the first
	DisableSessionTags bool            `json:"disableSessionTags,omitempty"`
	Policy             json.RawMessage `json:"policy,omitempty"` // session policy; needs disableSessionTags
}

// ServiceAccountSpec puts a service account into a hosted cluster.
type ServiceAccountSpec struct {
	Cluster string `json:"cluster,omitempty"` // default "local"
}

// DefaultCluster is the hosted cluster that `podpass up` registers.
const DefaultCluster = "local"
