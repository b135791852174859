package api

import (
	"context"
	"net/http"
	"time"
)

// Account is hosted here, isolated from every other as AWS's are, or lives at another STS.
type Account struct {
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty"`
	Management bool      `json:"management"`         // may create accounts and see every cluster
	Upstream   *Upstream `json:"upstream,omitempty"` // nil: hosted here
	Created    time.Time `json:"created"`
}

// The modes of an upstream account.
const (
	UpstreamWebIdentity = "web-identity" // the pod's own token is presented there; no session tags
	UpstreamAssumeRole  = "assume-role"  // session tags, under the server's own credentials; an hour at most
)

// Upstream says where the roles of an account are assumed, and for whom.
type Upstream struct {
	Mode string `json:"mode"`
	// Endpoints are base URLs of STS, as URL or REGION=URL, the preferred one first. One that does not answer is passed over.
	Endpoints []string `json:"endpoints"`
	// InsecureHTTP admits http off loopback among them: everyone on the way can then read tokens and credentials.
	InsecureHTTP bool `json:"insecureHttp,omitempty"`
	// For are the hosted accounts whose clusters' associations may name roles of this one, besides the management account.
	For []string `json:"for,omitempty"`
}

// AccessKey is shown once, when it is made.
type AccessKey struct {
	User            string `json:"user"` // ARN
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey,omitempty"`
}

// CreateAccountRequest names a new account.
type CreateAccountRequest struct {
	Name string `json:"name"`         // 1–64 characters, for people
	ID   string `json:"id,omitempty"` // 12 digits; chosen at random if empty, which an upstream account's can't be
	// Upstream registers an account that lives elsewhere. Without endpoints they are AWS's STS of the installation's region.
	Upstream *Upstream `json:"upstream,omitempty"`
}

// CreateAccountResult holds the first administrator's access key. It is not shown again. An upstream account has none.
type CreateAccountResult struct {
	Account       Account   `json:"account"`
	Administrator AccessKey `json:"administrator,omitzero"`
}

// CreateAccount makes a hosted account and its first administrator, or registers an upstream one. Only callers of the management account may.
func (c *Client) CreateAccount(ctx context.Context, in *CreateAccountRequest) (*CreateAccountResult, error) {
	out := new(CreateAccountResult)
	return out, c.call(ctx, http.MethodPost, path("accounts"), in, out)
}

// ListAccountsResult is in the order of account numbers.
type ListAccountsResult struct {
	Accounts []Account `json:"accounts"`
}

// ListAccounts lists every account. Only callers of the management account may.
func (c *Client) ListAccounts(ctx context.Context) (*ListAccountsResult, error) {
	out := new(ListAccountsResult)
	return out, c.call(ctx, http.MethodGet, path("accounts"), nil, out)
}

// UpdateAccountRequest changes what is not nil.
type UpdateAccountRequest struct {
	ID           string    `json:"-"`
	Name         *string   `json:"name,omitempty"`
	Mode         *string   `json:"mode,omitempty"`
	Endpoints    []string  `json:"endpoints,omitempty"`
	InsecureHTTP *bool     `json:"insecureHttp,omitempty"`
	For          *[]string `json:"for,omitempty"` // empty: the management account alone
}

// UpdateAccount changes an upstream account; of a hosted one only the name can be. Only callers of the management account may.
func (c *Client) UpdateAccount(ctx context.Context, in *UpdateAccountRequest) (*Account, error) {
	out := new(Account)
	return out, c.call(ctx, http.MethodPost, path("accounts", in.ID), in, out)
}

// DeleteAccount forgets an upstream account: associations with its roles are refused from then on. Hosted accounts can't be deleted. Only
// callers of the management account may.
func (c *Client) DeleteAccount(ctx context.Context, id string) (*Account, error) {
	out := new(Account)
	return out, c.call(ctx, http.MethodDelete, path("accounts", id), nil, out)
}

// RotateAdminResult holds the new key, and the ids of the keys that no longer work.
type RotateAdminResult struct {
	Administrator AccessKey `json:"administrator"`
	Deleted       []string  `json:"deleted"` // access key ids
}

// RotateAdmin gives the account's administrator a new access key and deletes the old ones.
func (c *Client) RotateAdmin(ctx context.Context) (*RotateAdminResult, error) {
	out := new(RotateAdminResult)
	return out, c.call(ctx, http.MethodPost, path("admin", "rotate"), struct{}{}, out)
}
