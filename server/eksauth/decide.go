package eksauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

// issue makes the credentials that were decided on.
type issue func(ctx context.Context) (*issued, error)

// decide finds out where the association's role lives, and whether this cluster and, for a role that is hosted here, this pod may have it.
func (s *service) decide(x *exchange) (issue, error) {
	x.event.Role = x.association.RoleARN
	role, err := identity.ParseRoleARN(x.association.RoleARN)
	if err != nil {
		return nil, untrusted(hintNoRole, err)
	}
	x.event.Account = string(role.Account())
	target, err := identity.ParseRoleARN(x.association.TargetRoleARN)
	if err != nil && x.association.TargetRoleARN != "" {
		return nil, untrusted(hintNoTarget, err)
	}
	switch account, known := s.Store.Accounts.Get(string(role.Account())); {
	case !known:
		return nil, untrusted(hintAccount, fmt.Errorf("account %s of role %s is neither hosted here nor registered as upstream", role.Account(), role))
	case account.Upstream != nil:
		return s.decideUpstream(x, account, target)
	case role.Account() != x.cluster.Account:
		return nil, untrusted(hintAccount, fmt.Errorf("role %s is not of account %s, as cluster %s is: name it as the association's target role",
			role, x.cluster.Account, x.cluster.Name))
	}
	return s.decideHosted(x, role, target)
}

// serves reports whether an association of the cluster may name roles of an account that is registered as upstream.
func (s *service) serves(account *store.Account, cluster *store.Cluster) bool {
	return account.Upstream != nil && account.Upstream.Serves(cluster.Account, s.Store.Management())
}

var errNoUpstream = errors.New("this server does not ask other STS for roles")
