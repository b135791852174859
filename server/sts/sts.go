package sts

import (
	"io"
	"time"

	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
)

// Config is what the service stands on. Every field is required.
type Config struct {
	Store  *store.Store
	Gate   *access.Gate
	Keys   *keys.Keys
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
