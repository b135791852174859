package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// WatchAssociationsRequest asks what has changed in the associations of a cluster. The answer comes at once if something has, and otherwise
// after WaitSeconds at the latest. Asking again with the revision of the answer is also the word that it has been applied.
type WatchAssociationsRequest struct {
	Cluster     string `json:"-"`
	Revision    int64  `json:"revision,omitempty"`    // of the last answer; 0 for the first request
	WaitSeconds int    `json:"waitSeconds,omitempty"` // 0–20
	// Snapshot asks for the whole set where the answer is a Reset. Without it a Reset only says that anything may have changed.
	Snapshot bool `json:"snapshot,omitempty"`
	// Member is the id of a watcher that takes part in the write barrier, as webhooks do: changes are acknowledged only once it has applied them, and
	// it must hold itself stale when LeaseSeconds have passed since it SENT the last request that was answered, so it is answered well before that,
	// whatever WaitSeconds says. The id is of its process, not of its Deployment: two that share one would speak for each other.
	Member string `json:"member,omitempty"` // 1–64 characters, [A-Za-z0-9._-]
}

// WatchAssociationsResult is in the order in which it happened; that of a snapshot means nothing.
type WatchAssociationsResult struct {
	Revision     int64               `json:"revision"`
	Reset        bool                `json:"reset,omitempty"` // what was known is void
	Changes      []AssociationChange `json:"changes"`
	LeaseSeconds float64             `json:"leaseSeconds,omitempty"` // of a Member
}

// AssociationChange is one association that was written or deleted. Namespace and service account may be globs.
type AssociationChange struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	ID             string `json:"id"`
	Deleted        bool   `json:"deleted,omitempty"`
}

// WatchAssociations long-polls.
func (c *Client) WatchAssociations(ctx context.Context, in *WatchAssociationsRequest) (*WatchAssociationsResult, error) {
	out := new(WatchAssociationsResult)
	return out, c.call(ctx, http.MethodPost, path("clusters", in.Cluster, "associations", "watch"), in, out)
}

// AssociationInEffect says who has applied an association's last change.
type AssociationInEffect struct {
	InEffect bool     `json:"inEffect"`
	Servers  int      `json:"servers"`           // live replicas, all of them
	Webhooks int      `json:"webhooks"`          // live watchers that take part in the write barrier
	Pending  []string `json:"pending,omitempty"` // who has not applied it yet: server/ID or webhook/ID
}

// GetAssociationInEffect looks the association up by its id. One that was deleted is not in effect, and is not found once nobody has it any more.
func (c *Client) GetAssociationInEffect(ctx context.Context, cluster, id string) (*AssociationInEffect, error) {
	out := new(AssociationInEffect)
	return out, c.call(ctx, http.MethodGet, path("clusters", cluster, "associations", id, "effect"), nil, out)
}

// ClusterKeysResult is what a verifier of a cluster's tokens needs.
type ClusterKeysResult struct {
	Issuer string          `json:"issuer"`
	JWKS   json.RawMessage `json:"jwks"`
}

// GetClusterKeys gives the public keys of a registered cluster, wherever they come from.
func (c *Client) GetClusterKeys(ctx context.Context, cluster string) (*ClusterKeysResult, error) {
	out := new(ClusterKeysResult)
	return out, c.call(ctx, http.MethodGet, path("clusters", cluster, "keys"), nil, out)
}

// Exchange is what became of one request for credentials of a service account, as the audit log has it.
type Exchange struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"requestId"`
	Action    string    `json:"action"`
	Outcome   string    `json:"outcome"` // allowed, refused or failed
	Code      string    `json:"code,omitempty"`
	Reason    string    `json:"reason,omitempty"` // which condition key had which value instead of which
	Pod       string    `json:"pod,omitempty"`
	Role      string    `json:"role,omitempty"`
	Statement string    `json:"statement,omitempty"`
	Endpoint  string    `json:"endpoint,omitempty"` // upstream STS that was asked
}

// ExchangesResult is the newest first.
type ExchangesResult struct {
	Exchanges []Exchange `json:"exchanges"`
}

// RecentExchanges are the last exchanges of a service account that this server replica answered, from memory: at least the last ten unless
// very many service accounts are busy.
func (c *Client) RecentExchanges(ctx context.Context, name ServiceAccountName) (*ExchangesResult, error) {
	out := new(ExchangesResult)
	return out, c.call(ctx, http.MethodGet, name.path("exchanges"), nil, out)
}
