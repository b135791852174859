package store

import (
	"context"
	"errors"
	"iter"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/session"
)

var (
	// ErrStale: this replica could not renew its lease; it must not answer from its indexes.
	ErrStale  = errors.New("the store's lease could not be renewed")
	ErrLocked = errors.New("data directory is locked by another process")
)

// Store is the state, on etcd, with watch-fed indexes in memory: reads make no etcd call; a write returns when every live replica has applied it.
type Store struct {
	Accounts        *Table[Account]
	Roles           *Table[Role]
	Users           *Table[User]
	AccessKeys      *Table[AccessKey]
	Policies        *Table[Policy]
	Providers       *Table[Provider]
	Clusters        *Table[Cluster]
	ServiceAccounts *Table[ServiceAccount]
	Associations    *Table[Association]
	Revocations     *Table[Revocation]
}

// Table is one aggregate. Records handed out are shared and read-only; Update's function gets a copy of its own.
type Table[T any] struct{}

// Get reads the index.
func (t *Table[T]) Get(key string) (*T, bool) { panic("contract") }

// List yields the records whose keys have the prefix, in key order, starting behind after ("" from the start).
func (t *Table[T]) List(prefix, after string) iter.Seq2[string, *T] { panic("contract") }

// By looks up a secondary index.
func (t *Table[T]) By(index, value string) []*T { panic("contract") }

// Update is a compare-and-swap: change gets nil where the key is absent, and returns nil to delete. It may be called more than once. An error of
// change ends the update and is returned as it is.
func (t *Table[T]) Update(ctx context.Context, key string, change func(old *T) (*T, error)) (*T, error) {
	panic("contract")
}

// Tx reads and writes several aggregates at once; all or nothing.
type Tx struct{}

// Transact runs f, retried when something it read has changed meanwhile. What f read from the tables through the tx is compared at commit.
func (s *Store) Transact(ctx context.Context, f func(tx *Tx) error) error { panic("contract") }

func Read[T any](tx *Tx, t *Table[T], key string) (*T, bool) { panic("contract") } // a copy
func Write[T any](tx *Tx, t *Table[T], key string, v *T)     { panic("contract") } // nil deletes
// Guard makes the transaction fail and retry if any record found through a secondary index changed (e.g. attachments of a policy).
func ReadBy[T any](tx *Tx, t *Table[T], index, value string) []*T { panic("contract") }

// Keys. Names that IAM compares without regard to case are lower-cased in keys.
func RoleKey(account, name string) string                      { panic("contract") }
func UserKey(account, name string) string                      { panic("contract") }
func PolicyKey(arn string) string                              { panic("contract") } // account/lower(path+name)
func ProviderKey(arn string) string                            { panic("contract") } // account/hostpath (exact)
func ServiceAccountKey(cluster, namespace, name string) string { panic("contract") }
func AssociationKey(cluster, namespace, name string) string    { panic("contract") }

// accounts by id, access keys by id, clusters by name, revocations "role/"+roleID or "session/"+hex.

// Secondary indexes.
const (
	ByID      = "id"      // Roles, Users: unique id
	ByPolicy  = "policy"  // Roles, Users: attached policy ARN or boundary
	ByUser    = "user"    // AccessKeys: user unique id
	ByIssuer  = "issuer"  // Clusters, Providers: issuer URL
	ByAccount = "account" // Clusters: account
)

// Ring is the current key ring (an immutable snapshot).
func (s *Store) Ring() *session.Ring { panic("contract") }

// RotateRing publishes a new key, waits until every live lease has seen it, then makes it the active one.
func (s *Store) RotateRing(ctx context.Context) error { panic("contract") }

// Compiled parses documents through a bounded cache.
func (s *Store) Compiled(text string, use policy.Use) (*policy.Document, error) { panic("contract") }

// Check is nil while the indexes may be answered from.
func (s *Store) Check() error { panic("contract") }
