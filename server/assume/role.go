package assume

import (
	"io"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

// trustNobody is the trust policy evaluated where there is no role, so that a missing role costs what a role costs that
// doesn't trust the caller.
const trustNobody = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:*"}]}`

// Roles are those that are hosted here. Every field is required.
type Roles struct {
	Store  *store.Store
	Now    func() time.Time
	Random io.Reader // of session ids and nonces
}

// Role is a role as it was asked for, whether there is one or not.
type Role struct {
	ARN     identity.ARN
	Record  *store.Role // never nil: a role that trusts nobody stands for a missing one
	Missing string      // why there is no such role, for the operator; "" if there is
}

// Find looks a role up by its exact ARN, path and letter case included.
func (r *Roles) Find(arn identity.ARN) Role {
	path, name, _ := identity.RoleName(arn)
	record, ok := r.Store.Roles.Get(store.RoleKey(string(arn.Account()), name))
	if ok && record.Name == name && record.Path == path && record.Partition == arn.Partition() {
		return Role{ARN: arn, Record: record}
	}
	missing := "there is no role " + arn.String()
	if account, known := r.Store.Accounts.Get(string(arn.Account())); !known || account.Upstream != nil {
		missing = "account " + string(arn.Account()) + " is not hosted here"
	}
	return Role{ARN: arn, Record: &store.Role{Trust: trustNobody}, Missing: missing}
}

// Session names a session of the role as its answers do: its ARN, which is without the role's path, and AROA…:NAME.
func (r Role) Session(name string) (arn identity.ARN, id string) {
	return r.Record.Account.AssumedRole(r.Record.Partition, r.Record.Name, name), r.Record.ID + ":" + name
}
