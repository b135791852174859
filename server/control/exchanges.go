package control

import (
	"context"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/restjson"
)

// listExchanges tells the owner of a cluster what a pod is not told: why it got no credentials.
func (s *service) listExchanges(_ context.Context, c *restjson.Call, in *onServiceAccount) (*api.ExchangesResult, error) {
	cluster, sa, err := s.serviceAccount(c, "ListExchanges", *in)
	if err != nil {
		return nil, err
	}
	out := &api.ExchangesResult{Exchanges: []api.Exchange{}}
	for _, e := range s.Recent.Exchanges(cluster.Name, sa.Namespace, sa.Name) {
		if e.Time.Before(cluster.Created) {
			break // of another cluster, perhaps another account's, that had the name before
		}
		s.withhold(c, &e)
		out.Exchanges = append(out.Exchanges, api.Exchange{
			Time: e.Time, RequestID: e.RequestID, Action: e.Action, Outcome: string(e.Outcome), Code: e.Code, Reason: e.Reason,
			Pod: e.Pod, Role: e.Role, Statement: e.Statement, Endpoint: e.Endpoint,
		})
	}
	return out, nil
}

// withhold leaves out what a refusal tells of the policies of an account that the caller does not reach: what they want, and whether there is such a role.
// What another STS said is left in: who may use an upstream account is to know why it refused.
func (s *service) withhold(c *restjson.Call, e *audit.Exchange) {
	role, err := identity.ParseARN(e.Role)
	if err != nil || e.Outcome == audit.Allowed || s.reaches(c, role.Account()) {
		return
	}
	if home, known := s.store.Accounts.Get(string(role.Account())); known && home.Upstream != nil && home.Upstream.Serves(c.Caller.Account, "") {
		return
	}
	e.Statement = ""
	e.Reason = "the role is of account " + string(role.Account()) + ", and the reason in that account's audit events. If the role is an association's target role, " +
		"the policies of the association's role must allow sts:AssumeRole on it, and sts:TagSession"
}
