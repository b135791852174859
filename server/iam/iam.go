package iam

import (
	"io"
	"time"

	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// Config is what the service stands on.
type Config struct {
	Store  *store.Store
	Gate   *access.Gate
	Now    func() time.Time
	Random io.Reader // of unique ids and secret keys
}

// service is the state the actions share.
type service struct {
	Env
	guard
	roles kind[store.Role]
	users kind[store.User]
}

// New makes the service.
func New(c Config) awsquery.Service {
	g := guard{gate: c.Gate}
	s := &service{
		Env:   Env{Store: c.Store, Now: c.Now, Random: c.Random},
		guard: g,
		roles: kind[store.Role]{guard: g, store: c.Store, table: c.Store.Roles, noun: "role", key: store.RoleKey, hold: holdRole},
		users: kind[store.User]{guard: g, store: c.Store, table: c.Store.Users, noun: "user", key: store.UserKey, hold: holdUser},
	}
	var actions []awsquery.Action
	for _, group := range [][]awsquery.Action{
		s.providerActions(), s.roleActions(), s.userActions(), s.accessKeyActions(), s.inlineActions(), s.attachmentActions(), s.boundaryActions(),
		s.policyActions(), s.versionActions(), s.tagActions(), s.simulatorActions(), s.accountActions(),
	} {
		actions = append(actions, group...)
	}
	return awsquery.Service{
		Name:      "iam",
		Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Version:   "2010-05-08",
		Actions:   actions,
	}
}

// none is the input of an action without parameters and the output of one that answers nothing.
type none struct{}
