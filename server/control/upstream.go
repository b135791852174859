package control

import (
	"context"
	"slices"
	"strings"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/upstream"
)

// maxEndpoints bounds an account's list: within a client's patience not many more could be asked.
const maxEndpoints = 8

// upstreamOf reads where an account lives. Whom it is for is checked in the transaction.
func (s *service) upstreamOf(spec *api.Upstream) (*store.Upstream, error) {
	meta, ok := s.store.Meta.Get(store.MetaKey)
	if !ok {
		return nil, awserr.ServiceUnavailable(store.ErrUnavailable)
	}
	out := &store.Upstream{Mode: store.UpstreamMode(spec.Mode), InsecureHTTP: spec.InsecureHTTP}
	switch out.Mode {
	case store.UpstreamWebIdentity, store.UpstreamAssumeRole:
	default:
		return nil, invalid("An upstream account's mode is %s or %s, not %q.", store.UpstreamWebIdentity, store.UpstreamAssumeRole, spec.Mode)
	}
	if len(spec.Endpoints) > maxEndpoints {
		return nil, invalid("An upstream account has at most %d endpoints.", maxEndpoints)
	}
	var known []upstream.Endpoint
	for _, text := range spec.Endpoints {
		e, err := upstream.ParseEndpoint(text, meta.Region, spec.InsecureHTTP)
		if err != nil {
			return nil, invalid("%v.", err)
		}
		if slices.Contains(known, e) {
			return nil, invalid("Endpoint %s is named twice.", e.URL)
		}
		known, out.Endpoints = append(known, e), append(out.Endpoints, strings.TrimRight(text, "/"))
	}
	if len(out.Endpoints) == 0 {
		out.Endpoints = []string{"https://sts." + meta.Region + "." + identity.PartitionOf(meta.Region).DNSSuffix}
	}
	for _, text := range spec.For {
		account, err := identity.ParseAccount(text)
		if err != nil {
			return nil, invalid("%v.", err)
		}
		out.Accounts = append(out.Accounts, account)
	}
	slices.Sort(out.Accounts)
	out.Accounts = slices.Compact(out.Accounts)
	return out, nil
}

// putUpstream writes an upstream account.
func (s *service) putUpstream(tx *store.Tx, a *store.Account) error {
	for _, id := range a.Upstream.Accounts {
		if user, ok := store.Read(tx, s.store.Accounts, string(id)); !ok || user.Upstream != nil {
			return invalid("Account %s is not hosted here: an upstream account serves clusters of hosted accounts. List them with: podpass account list", id)
		}
	}
	store.Write(tx, s.store.Accounts, string(a.ID), a)
	return nil
}

// onAccount is the input of the actions on one account.
type onAccount struct {
	Account string `label:"account" json:"-"`
}

type updateAccount struct {
	onAccount
	api.UpdateAccountRequest
}

func (s *service) updateAccount(ctx context.Context, c *restjson.Call, in *updateAccount) (*api.Account, error) {
	if err := s.authoriseAccount(c, "UpdateAccount", in.Account); err != nil {
		return nil, err
	}
	var out api.Account
	err := s.store.Transact(ctx, func(tx *store.Tx) error {
		account, ok := store.Read(tx, s.store.Accounts, in.Account)
		if !ok {
			return noAccount(in.Account)
		}
		if in.Name != nil {
			if err := checkAccountName(*in.Name); err != nil {
				return err
			}
			account.Name = *in.Name
		}
		out = s.showAccount(account)
		if account.Upstream == nil {
			if in.Mode != nil || in.Endpoints != nil || in.InsecureHTTP != nil || in.For != nil {
				return invalid("Account %s is hosted here: it has no upstream to change, and can't be moved to one.", in.Account)
			}
			store.Write(tx, s.store.Accounts, in.Account, account)
			return nil
		}
		want := *out.Upstream
		if in.Mode != nil {
			want.Mode = *in.Mode
		}
		if in.Endpoints != nil {
			want.Endpoints = in.Endpoints
		}
		if in.InsecureHTTP != nil {
			want.InsecureHTTP = *in.InsecureHTTP
		}
		if in.For != nil {
			want.For = *in.For
		}
		var err error
		if account.Upstream, err = s.upstreamOf(&want); err != nil {
			return err
		}
		out = s.showAccount(account)
		return s.putUpstream(tx, account)
	})
	return &out, err
}

// deleteAccount forgets an upstream account. A hosted one stays: its roles, its clusters and whoever trusts it would be left with a number
// that the next account could be given.
func (s *service) deleteAccount(ctx context.Context, c *restjson.Call, in *onAccount) (*api.Account, error) {
	if err := s.authoriseAccount(c, "DeleteAccount", in.Account); err != nil {
		return nil, err
	}
	var out api.Account
	err := s.store.Transact(ctx, func(tx *store.Tx) error {
		account, ok := store.Read(tx, s.store.Accounts, in.Account)
		switch {
		case !ok:
			return noAccount(in.Account)
		case account.Upstream == nil:
			return conflict("Account %s is hosted here, and hosted accounts are not deleted: policies elsewhere may trust its number. Deregister its "+
				"clusters and delete its roles instead.", in.Account)
		}
		out = s.showAccount(account)
		store.Write(tx, s.store.Accounts, in.Account, nil)
		return nil
	})
	return &out, err
}

func (s *service) authoriseAccount(c *restjson.Call, action, id string) error {
	if err := s.requireManagement(c, action); err != nil {
		return err
	}
	return s.authorise(c, action, s.resource(c, "", c.Caller.Account, "account/"+id))
}

func showUpstream(u *store.Upstream) *api.Upstream {
	if u == nil {
		return nil
	}
	out := &api.Upstream{Mode: string(u.Mode), Endpoints: slices.Clone(u.Endpoints), InsecureHTTP: u.InsecureHTTP}
	for _, account := range u.Accounts {
		out.For = append(out.For, string(account))
	}
	return out
}
