package eks

import (
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/store"
)

// checkRoles holds the rules of the roles an association of the cluster names. A role of an upstream account cannot be looked at from here: the
// exchange will tell.
func (e Env) checkRoles(tx *store.Tx, c *store.Cluster, r roles) error {
	upstream := e.upstream(tx, c, r.role.Account())
	switch {
	case upstream && !r.target.IsZero() && !e.upstream(tx, c, r.target.Account()):
		return invalidParameter("targetRoleArn: account %s is not upstream for clusters of account %s, as that of the role is, so the role cannot assume the target. "+
			"Register it: podpass account create", r.target.Account(), c.Account)
	case upstream:
		return nil
	case r.role.Account() != c.Account:
		return invalidParameter("roleArn: the role must be of account %s, as the cluster is, or of an upstream account registered for it. "+
			"Reach a role of another account with targetRoleArn.", c.Account)
	case !r.target.IsZero() && e.upstream(tx, c, r.target.Account()):
		return invalidParameter("targetRoleArn: account %s lives at another STS, where a role that is hosted here cannot assume any. "+
			"Give a role of an upstream account as roleArn.", r.target.Account())
	}
	role, ok := store.Read(tx, e.Store.Roles, store.RoleKey(string(c.Account), r.role.ResourceName()))
	if !ok || role.ARN() != r.role {
		return invalidParameter(NoRole+": %s", r.role)
	}
	trust, err := e.Store.Compiled(role.Trust, policy.Trust)
	if err != nil {
		return invalidParameter(trustInvalid + ".").Because(err)
	}
	if !trust.Grants(policy.Requester{Service: identity.PodIdentity}, "sts:AssumeRole") {
		return invalidParameter(trustInvalid + ". It must allow service " + identity.PodIdentity + " to perform sts:AssumeRole and sts:TagSession.")
	}
	return nil
}

// upstream reports whether roles of the account are had elsewhere, for clusters of this one's account.
func (e Env) upstream(tx *store.Tx, c *store.Cluster, account identity.Account) bool {
	found, ok := store.Read(tx, e.Store.Accounts, string(account))
	return ok && found.Upstream != nil && found.Upstream.Serves(c.Account, e.Store.Management())
}
