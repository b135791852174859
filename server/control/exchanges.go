package control

import (
	"context"

	"github.com/podpass/podpass/api"
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
		out.Exchanges = append(out.Exchanges, api.Exchange{
			Time: e.Time, RequestID: e.RequestID, Action: e.Action, Outcome: string(e.Outcome), Code: e.Code, Reason: e.Reason,
			Pod: e.Pod, Role: e.Role, Statement: e.Statement, Endpoint: e.Endpoint,
		})
	}
	return out, nil
}
