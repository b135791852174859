package control

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

func (s *service) accountActions() []restjson.Action {
	return []restjson.Action{
		restjson.NewAction("CreateAccount", http.MethodPost, route("accounts"), s.createAccount),
		restjson.NewAction("ListAccounts", http.MethodGet, route("accounts"), s.listAccounts),
		restjson.NewAction("UpdateAccount", http.MethodPost, route("accounts/{account}"), s.updateAccount),
		restjson.NewAction("DeleteAccount", http.MethodDelete, route("accounts/{account}"), s.deleteAccount),
		restjson.NewAction("RotateAdmin", http.MethodPost, route("admin/rotate"), s.rotateAdmin),
	}
}

func (s *service) createAccount(ctx context.Context, c *restjson.Call, in *api.CreateAccountRequest) (*api.CreateAccountResult, error) {
	if err := s.requireManagement(c, "CreateAccount"); err != nil {
		return nil, err
	}
	if err := checkAccountName(in.Name); err != nil {
		return nil, err
	}
	if in.Upstream != nil && in.ID == "" {
		return nil, invalid("An upstream account has its number already: give it, 12 digits (podpass account create NAME --id 444455556666 --upstream MODE).")
	}
	id := identity.Account(in.ID)
	if in.ID == "" {
		var err error
		if id, err = s.freeAccount(); err != nil {
			return nil, err
		}
	} else if _, err := identity.ParseAccount(in.ID); err != nil {
		return nil, invalid("%v.", err)
	}
	if err := s.authorise(c, "CreateAccount", s.resource(c, "", c.Caller.Account, "account/"+string(id))); err != nil {
		return nil, err
	}
	var upstream *store.Upstream
	if in.Upstream != nil {
		var err error
		if upstream, err = s.upstreamOf(in.Upstream); err != nil {
			return nil, err
		}
	}
	out := new(api.CreateAccountResult)
	err := s.store.Transact(ctx, func(tx *store.Tx) error {
		if _, taken := store.Read(tx, s.store.Accounts, string(id)); taken {
			return conflict("Account %s exists already. List accounts with: podpass account list", id)
		}
		account := store.Account{ID: id, Name: in.Name, Upstream: upstream}
		if upstream != nil {
			account.Created = s.Env.Now()
			out.Account = s.showAccount(&account)
			return s.putUpstream(tx, &account)
		}
		key, err := putAccount(tx, s.Env, account, c.Caller.ARN.Partition())
		if err != nil {
			return err
		}
		created, _ := store.Read(tx, s.store.Accounts, string(id))
		out.Account, out.Administrator = s.showAccount(created), *key
		return nil
	})
	return out, err
}

func checkAccountName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > 64 {
		return invalid("An account's name has 1 to 64 characters.")
	}
	return nil
}

// putAccount writes a new hosted account with its first administrator.
func putAccount(tx *store.Tx, env iam.Env, a store.Account, partition string) (*api.AccessKey, error) {
	a.Created = env.Now()
	store.Write(tx, env.Store.Accounts, string(a.ID), &a)
	user, key, err := env.PutAdministrator(tx, a.ID, partition)
	if err != nil {
		return nil, err
	}
	return &api.AccessKey{User: user.ARN().String(), AccessKeyID: key.ID, SecretAccessKey: key.Secret}, nil
}

// freeAccount picks a number at random, as AWS's seem to be.
func (s *service) freeAccount() (identity.Account, error) {
	for {
		n, err := randomBelow(s.Env.Random, 900_000_000_000)
		if err != nil {
			return "", err
		}
		id := identity.Account(fmt.Sprintf("%012d", 100_000_000_000+n))
		if _, taken := s.store.Accounts.Get(string(id)); !taken {
			return id, nil
		}
	}
}

// randomBelow is a number from 0 to n-1. The bias of the remainder of 128 bits is of no account.
func randomBelow(random io.Reader, n int64) (int64, error) {
	var bits [16]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return 0, err
	}
	return new(big.Int).Mod(new(big.Int).SetBytes(bits[:]), big.NewInt(n)).Int64(), nil
}

func (s *service) listAccounts(_ context.Context, c *restjson.Call, _ *empty) (*api.ListAccountsResult, error) {
	if err := s.requireManagement(c, "ListAccounts"); err != nil {
		return nil, err
	}
	if err := s.authorise(c, "ListAccounts", s.resource(c, "", c.Caller.Account, "account/*")); err != nil {
		return nil, err
	}
	out := &api.ListAccountsResult{Accounts: []api.Account{}}
	for _, a := range s.store.Accounts.List("", "") {
		out.Accounts = append(out.Accounts, s.showAccount(a))
	}
	return out, nil
}

func (s *service) showAccount(a *store.Account) api.Account {
	return api.Account{
		ID: string(a.ID), Name: a.Name, Management: s.store.Manages(a.ID), Upstream: showUpstream(a.Upstream), Created: a.Created,
	}
}

// rotateAdmin replaces every access key of the account's administrator, who is made anew if somebody deleted him, and ends the sessions he
// got with them: whoever had a key could have had one for 36 hours.
func (s *service) rotateAdmin(ctx context.Context, c *restjson.Call, _ *empty) (*api.RotateAdminResult, error) {
	partition, account := c.Caller.ARN.Partition(), c.Caller.Account
	if err := s.authorise(c, "RotateAdmin", account.IAM(partition, "user/"+iam.Administrator).String()); err != nil {
		return nil, err
	}
	out := new(api.RotateAdminResult)
	err := s.store.Transact(ctx, func(tx *store.Tx) error {
		out.Deleted = []string{}
		if user, ok := store.Read(tx, s.store.Users, store.UserKey(string(account), iam.Administrator)); ok {
			for _, key := range store.ReadBy(tx, s.store.AccessKeys, store.ByUser, user.ID) {
				store.Write(tx, s.store.AccessKeys, key.ID, nil)
				out.Deleted = append(out.Deleted, key.ID)
			}
		}
		slices.Sort(out.Deleted)
		user, key, err := s.Env.PutAdministrator(tx, account, partition)
		if err != nil {
			return err
		}
		now := s.Env.Now().UTC()
		ended := store.Revocation{RoleID: user.ID, IssuedBefore: now, Expires: now.Add(session.MaxDuration)}
		store.Write(tx, s.store.Revocations, ended.Key(), &ended)
		out.Administrator = api.AccessKey{User: user.ARN().String(), AccessKeyID: key.ID, SecretAccessKey: key.Secret}
		return nil
	})
	return out, err
}
