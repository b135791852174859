package eksauth

import (
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

const action = "eks-auth:AssumeRoleForPodIdentity"

// cluster is the one of the caller's account that has the name, if the caller may exchange tokens of it. Whether there is one is told only to
// callers who may.
func (s *service) cluster(c *restjson.Call, name string) (*store.Cluster, error) {
	if !identity.ValidClusterName(name) {
		return nil, invalidParameter(textClusterName)
	}
	arn := identity.MustARN("arn:" + c.Caller.ARN.Partition() + ":eks:" + c.Caller.Region + ":" + string(c.Caller.Account) + ":cluster/" + name)
	var tags identity.Tags
	found, ok := s.Store.Clusters.Get(name)
	if ok = ok && found.Account == c.Caller.Account; ok {
		arn, tags = found.ARN(), found.Tags
	}
	c.Event.Resource = arn.String()
	// The tags are the only condition keys the action has of its own.
	// Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneksauth.html
	if _, err := s.Gate.Authorise(c.Request, c.Caller, action, arn.String(), access.ResourceTags(tags)); err != nil {
		return nil, callerRefused(err)
	}
	if !ok {
		return nil, noCluster(name)
	}
	c.Event.Cluster = name
	return found, nil
}
