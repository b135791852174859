package iam

import (
	"encoding/base64"
	"io"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

// NewAccessKey gives a user an access key. A user has at most two.
func (e Env) NewAccessKey(tx *store.Tx, u *store.User) (*store.AccessKey, error) {
	if len(store.ReadBy(tx, e.Store.AccessKeys, store.ByUser, u.ID)) >= maxAccessKeys {
		return nil, limitExceeded("Cannot exceed quota for AccessKeysPerUser: %d", maxAccessKeys)
	}
	id, err := identity.NewUniqueID(e.Random, identity.PrefixLongTerm, u.Account)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 30) // 40 characters
	if _, err := io.ReadFull(e.Random, secret); err != nil {
		return nil, err
	}
	k := &store.AccessKey{
		ID: id, Account: u.Account, User: u.Name, UserID: u.ID, Secret: base64.StdEncoding.EncodeToString(secret), Active: true, Created: e.now(),
	}
	store.Write(tx, e.Store.AccessKeys, k.ID, k)
	return k, nil
}

// Administrator is the name of the first administrator of an account.
const Administrator = "admin"

// PutAdministrator makes the first administrator of an account: a user that may do everything there, and an access key.
func (e Env) PutAdministrator(tx *store.Tx, account identity.Account, partition string) (*store.User, *store.AccessKey, error) {
	_, u, err := e.PutUser(tx, UserSpec{Account: account, Partition: partition, Name: Administrator, Inline: map[string]string{
		"administrator": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	}})
	if err != nil {
		return nil, nil, err
	}
	k, err := e.NewAccessKey(tx, u)
	return u, k, err
}
