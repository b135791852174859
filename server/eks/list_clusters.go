package eks

import (
	"context"
	"iter"

	"github.com/podpass/podpass/server/restjson"
)

// listClusters has no use for include: every registered cluster is listed, connected or not, in whatever region.
type listClusters struct {
	page
	Include []string `query:"include" json:"-"`
}

type clusterList struct {
	Clusters  []string `json:"clusters"`
	NextToken string   `json:"nextToken,omitempty"`
}

func (s *service) listClusters(_ context.Context, c *restjson.Call, in *listClusters) (*clusterList, error) {
	for _, what := range in.Include {
		if what != "all" {
			return nil, invalidParameter("include: it is all, not %q.", what)
		}
	}
	all := "arn:" + c.Caller.ARN.Partition() + ":eks:" + c.Caller.Region + ":" + string(c.Caller.Account) + ":cluster/*"
	if err := s.authorise(c, "ListClusters", all, nil); err != nil {
		return nil, err
	}
	out := new(clusterList)
	var err error
	out.Clusters, out.NextToken, err = take(in.page, listing{Of: "clusters"}, func(after string) iter.Seq2[string, string] {
		return func(yield func(string, string) bool) {
			for name, found := range s.Store.Clusters.List("", after) {
				if s.reaches(c, found.Account) && !yield(name, name) {
					return
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
