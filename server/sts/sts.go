package sts

import (
	"context"
	"io"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// Keys knows what verifies an issuer's tokens.
type Keys interface {
	// ForIssuer returns the cluster registered for exactly this issuer, nil if there is none that the account may rely on, and
	// the source of the issuer's keys, which refuses every key where nothing vouches for the issuer.
	ForIssuer(issuer identity.Issuer, account identity.Account) (*store.Cluster, token.Source)
	// Review asks the cluster that issued a verified token whether it still stands by it, where the cluster is registered so.
	Review(ctx context.Context, cluster *store.Cluster, raw string, claims *token.Claims) error
}

// Config is what the service stands on. Every field is required.
type Config struct {
	Store  *store.Store
	Gate   *access.Gate
	Keys   Keys
	Now    func() time.Time
	Random io.Reader // of session ids and nonces
}

type service struct {
	Config
	roles *assume.Roles
}

// New makes the service, to be mounted on an awsquery.Pipeline.
func New(c Config) awsquery.Service {
	s := &service{c, &assume.Roles{Store: c.Store, Now: c.Now, Random: c.Random}}
	return awsquery.Service{
		Name:      "sts",
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Version:   "2011-06-15",
		Actions: []awsquery.Action{
			awsquery.NewAction("AssumeRoleWithWebIdentity", s.assumeRoleWithWebIdentity).Open(), // the token speaks for its caller
			awsquery.NewAction("AssumeRole", s.assumeRole),
			awsquery.NewAction("GetCallerIdentity", s.getCallerIdentity),
			awsquery.NewAction("GetSessionToken", s.getSessionToken),
			awsquery.NewAction("GetAccessKeyInfo", s.getAccessKeyInfo),
		},
	}
}
