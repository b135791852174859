package iam

import (
	"context"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// holder is what roles and users have in common: what hangs on them. The zero holder is of one that does not exist.
type holder struct {
	arn      identity.ARN
	tags     *identity.Tags
	inline   *store.Documents
	attached *[]string
	boundary *string
}

func holdRole(r *store.Role) holder {
	return holder{arn: r.ARN(), tags: &r.Tags, inline: &r.Inline, attached: &r.Attached, boundary: &r.Boundary}
}

func holdUser(u *store.User) holder {
	return holder{arn: u.ARN(), tags: &u.Tags, inline: &u.Inline, attached: &u.Attached, boundary: &u.Boundary}
}

// kind is all that differs between roles and users when one is looked up, shown or changed.
type kind[T any] struct {
	guard
	store *store.Store
	table *store.Table[T]
	noun  string // "role"
	key   func(account, name string) string
	hold  func(*T) holder
}

// permit authorises an action on one of the caller's account, found or nil, and then says whether there is one.
func (k kind[T]) permit(c *awsquery.Call, action, name string, found *T, keys []key) error {
	resource := c.Caller.Account.IAM(partition(c), k.noun+"/"+name)
	var h holder
	if found != nil {
		h = k.hold(found)
		resource = h.arn
	}
	if err := k.authorise(c, action, resource.String(), k.noun+" "+name, conditionKeys(h, keys)); err != nil {
		return err
	}
	if found == nil {
		return k.unknown(name)
	}
	return nil
}

func (k kind[T]) unknown(name string) error {
	return noSuchEntity("The %s with name %s cannot be found.", k.noun, name)
}

// get reads one for an action that only shows it. What it returns is shared and read-only.
func (k kind[T]) get(c *awsquery.Call, action, name string, keys ...key) (*T, error) {
	found, _ := k.table.Get(k.key(string(c.Caller.Account), name))
	if err := k.permit(c, action, name, found, keys); err != nil {
		return nil, err
	}
	return found, nil
}

// read authorises an action on one and reads a copy of it, and its key, within a transaction.
func (k kind[T]) read(tx *store.Tx, c *awsquery.Call, action, name string, keys ...key) (at string, v *T, err error) {
	at = k.key(string(c.Caller.Account), name)
	v, _ = store.Read(tx, k.table, at)
	return at, v, k.permit(c, action, name, v, keys)
}

// change authorises an action on one and writes what do makes of it. do may run more than once; an error of do writes nothing.
func (k kind[T]) change(ctx context.Context, c *awsquery.Call, action, name string, do func(tx *store.Tx, v *T) error, keys ...key) error {
	return k.store.Transact(ctx, func(tx *store.Tx) error {
		at, v, err := k.read(tx, c, action, name, keys...)
		if err != nil {
			return err
		}
		if err := do(tx, v); err != nil {
			return err
		}
		store.Write(tx, k.table, at, v)
		return nil
	})
}

// remove authorises an action on one and deletes it unless refuse objects.
func (k kind[T]) remove(ctx context.Context, c *awsquery.Call, action, name string, refuse func(tx *store.Tx, v *T) error) error {
	return k.store.Transact(ctx, func(tx *store.Tx) error {
		at, v, err := k.read(tx, c, action, name)
		if err != nil {
			return err
		}
		if err := refuse(tx, v); err != nil {
			return err
		}
		store.Write(tx, k.table, at, nil)
		return nil
	})
}
