package api

import (
	"context"
	"net/http"
	"time"
)

// Account is hosted here, isolated from every other as AWS's are.
type Account struct {
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty"`
	Management bool      `json:"management"` // may create accounts and see every cluster
	Created    time.Time `json:"created"`
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
	ID   string `json:"id,omitempty"` // 12 digits; chosen at random if empty
}

// CreateAccountResult holds the first administrator's access key. It is not shown again.
type CreateAccountResult struct {
	Account       Account   `json:"account"`
	Administrator AccessKey `json:"administrator"`
}

// CreateAccount makes a hosted account and its first administrator. Only callers of the management account may.
func (c *Client) CreateAccount(ctx context.Context, in *CreateAccountRequest) (*CreateAccountResult, error) {
	out := new(CreateAccountResult)
	return out, c.call(ctx, http.MethodPost, path("accounts"), in, out)
}

// ListAccountsResult is in the order of account numbers.
type ListAccountsResult struct {
	Accounts []Account `json:"accounts"`
}

// ListAccounts lists every hosted account. Only callers of the management account may.
func (c *Client) ListAccounts(ctx context.Context) (*ListAccountsResult, error) {
	out := new(ListAccountsResult)
	return out, c.call(ctx, http.MethodGet, path("accounts"), nil, out)
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
