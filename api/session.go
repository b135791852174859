package api

import (
	"context"
	"net/http"
	"time"
)

// RotateSessionKeysResult lists the ring's key ids, newest last.
type RotateSessionKeysResult struct {
	KeyIDs []string `json:"keyIds"`
	Active string   `json:"active"`
}

// RotateSessionKeys makes a new key seal the sessions from now on. Sessions sealed before stay valid until they expire.
func (c *Client) RotateSessionKeys(ctx context.Context) (*RotateSessionKeysResult, error) {
	out := new(RotateSessionKeysResult)
	return out, c.call(ctx, http.MethodPost, path("keys", "rotate"), struct{}{}, out)
}

// RevokeRequest ends sessions before their time. Exactly one of Role and AccessKeyID is given.
type RevokeRequest struct {
	Role         string    `json:"role,omitempty"`        // name or ARN: every session of it issued before IssuedBefore
	IssuedBefore time.Time `json:"issuedBefore,omitzero"` // with Role; default now
	AccessKeyID  string    `json:"accessKeyId,omitempty"` // ASIA…: the one session that has it
}

// RevokeResult says what was revoked.
type RevokeResult struct {
	Role         string    `json:"role,omitempty"` // ARN
	IssuedBefore time.Time `json:"issuedBefore,omitzero"`
	SessionID    string    `json:"sessionId,omitempty"` // hex
}

// Revoke ends sessions on every replica before it returns.
func (c *Client) Revoke(ctx context.Context, in *RevokeRequest) (*RevokeResult, error) {
	out := new(RevokeResult)
	return out, c.call(ctx, http.MethodPost, path("revocations"), in, out)
}

// Whois says whose access key it is.
type Whois struct {
	AccessKeyID    string    `json:"accessKeyId"`
	Account        string    `json:"account,omitempty"`
	User           string    `json:"user,omitempty"` // ARN of the user a long-term key belongs to
	Role           string    `json:"role,omitempty"` // ARN; of a session the fields below say more
	SessionName    string    `json:"sessionName,omitempty"`
	Cluster        string    `json:"cluster,omitempty"`
	Namespace      string    `json:"namespace,omitempty"`
	ServiceAccount string    `json:"serviceAccount,omitempty"`
	Pod            string    `json:"pod,omitempty"`
	PodUID         string    `json:"podUid,omitempty"`
	Issuer         string    `json:"issuer,omitempty"`
	Subject        string    `json:"subject,omitempty"`
	Caller         string    `json:"caller,omitempty"` // ARN that asked for the session, where it was signed for
	SourceIP       string    `json:"sourceIp,omitempty"`
	Statement      string    `json:"statement,omitempty"` // which allowed it
	Issued         time.Time `json:"issued,omitzero"`
	Expires        time.Time `json:"expires,omitzero"`
	RequestID      string    `json:"requestId,omitempty"`
}

// Whois looks an access key id up, in the user keys of the caller's account and in the recent audit events.
func (c *Client) Whois(ctx context.Context, accessKeyID string) (*Whois, error) {
	out := new(Whois)
	return out, c.call(ctx, http.MethodGet, path("whois", accessKeyID), nil, out)
}
