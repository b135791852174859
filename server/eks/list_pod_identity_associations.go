package eks

import (
	"context"
	"iter"

	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/restjson"
)

type listAssociations struct {
	page
	Cluster        string `label:"name" json:"-"`
	Namespace      string `query:"namespace" json:"-"`
	ServiceAccount string `query:"serviceAccount" json:"-"`
}

type associationList struct {
	Associations []summary `json:"associations"`
	NextToken    string    `json:"nextToken,omitempty"`
}

// listAssociations compares its filters with what the associations say: one with globs is found by its globs, not by what they match.
func (s *service) listAssociations(_ context.Context, c *restjson.Call, in *listAssociations) (*associationList, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if err := s.authorise(c, "ListPodIdentityAssociations", cluster.ARN().String(), access.ResourceTags(cluster.Tags)); err != nil {
		return nil, err
	}
	l := listing{Of: "associations", Cluster: cluster.Name, Namespace: in.Namespace, ServiceAccount: in.ServiceAccount}
	out := new(associationList)
	out.Associations, out.NextToken, err = take(in.page, l, func(after string) iter.Seq2[string, summary] {
		return func(yield func(string, summary) bool) {
			prefix := cluster.Name + "/"
			if in.Namespace != "" {
				prefix += in.Namespace + "/"
			}
			for key, a := range s.Store.Associations.List(prefix, after) {
				if (in.ServiceAccount == "" || a.ServiceAccount == in.ServiceAccount) && !yield(key, summarise(cluster, a)) {
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
