// Package store is the state of the authority: etcd below, indexes in memory above.
//
// It owns what is written where, the key ring's rotation, and the promise that what was acknowledged is kept, and honoured by the next request on every replica. It refuses
// to judge: whether a record makes sense, or a caller may write it, is decided before. It imports identity, session and, for Compiled, policy.
//
// # Layout
//
// The data directory of an embedded etcd holds LOCK (held while in use), VERSION (the format) and etcd/, whose contents are etcd's own business. Everything podpass
// writes to etcd, embedded or external, stands below one prefix whose last segment is the format again, as JSON:
//
//	/podpass/v1/meta/installation                        Meta, once
//	/podpass/v1/rings/sessions                           session.Ring, once: the keys sessions are sealed with
//	/podpass/v1/accounts/ACCOUNT                         Account
//	/podpass/v1/roles/ACCOUNT/name                       Role, with its policies, tags and attachments; the name in lower case
//	/podpass/v1/users/ACCOUNT/name                       User
//	/podpass/v1/accesskeys/AKIA…                         AccessKey
//	/podpass/v1/policies/ACCOUNT/name                    Policy, with its versions
//	/podpass/v1/providers/ACCOUNT/host/path              Provider
//	/podpass/v1/clusters/NAME                            Cluster, with the signing keys of a hosted one
//	/podpass/v1/serviceaccounts/CLUSTER/NAMESPACE/NAME   ServiceAccount of a hosted cluster
//	/podpass/v1/associations/CLUSTER/NAMESPACE/NAME      Association
//	/podpass/v1/revocations/role/AROA…, …/session/HEX    Revocation
//	/podpass/v1/guards/TABLE/INDEX/VALUE                 empty; see ReadBy
//	/podpass/v1/replicas/HEX                             the revision a live replica has applied; see replica.go
//	/podpass/v1/members/CLUSTER/ID                       the revision a live webhook has applied; see members.go
//
// Secrets (ring keys, signing keys, access keys) are stored as they are: whoever can read the data directory or etcd is the authority. The directory is
// its owner's alone (0700); an external etcd wants TLS, client certificates and encryption at rest.
//
// # Reading
//
// One ordered watch over the whole prefix feeds all tables, so that a read is a look into a map and two tables are never of two orders of events. A
// transaction's records appear at once. Records are shared and read-only.
//
// # Writing
//
// Every write is a compare-and-swap in one etcd transaction (Transact, Update): everything it read or writes is compared with the modification revision it was
// first seen with, and the transaction is run again when the index has caught up with what was in the way. What was found through a secondary index is
// compared by its guard: a key for each value of a guarded index, rewritten by every transaction that writes a record which has or had the
// value. Transactions that only rewrite a guard do not get into each other's way.
//
// A write returns when every live replica has applied it, and one of associations when every live webhook of their cluster has: the write barrier, which replica.go
// and members.go describe and argue.
//
// Who follows the associations from outside is told what has changed since a revision, from a journal of the newest changes, or that it must begin anew.
//
// # Failing
//
// A replica that cannot keep its lease is stale (Check) before the others stop waiting for it, and answers again once it has caught up. An embedded etcd
// that cannot go on, on a full disk for one, or a record that cannot be read, ends the store: Check says why, and Config.OnFatal is called.
package store
