package eks

import (
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

// association is an association as the wire has it. It never has an ownerArn: there are no add-ons here.
type association struct {
	summary
	RoleARN            string            `json:"roleArn"`
	Tags               map[string]string `json:"tags"`
	CreatedAt          restjson.Time     `json:"createdAt"`
	ModifiedAt         restjson.Time     `json:"modifiedAt"`
	DisableSessionTags bool              `json:"disableSessionTags"`
	TargetRoleARN      string            `json:"targetRoleArn,omitempty"`
	ExternalID         string            `json:"externalId,omitempty"`
	Policy             string            `json:"policy,omitempty"`
}

// summary is what a listing tells of an association.
type summary struct {
	ClusterName    string `json:"clusterName"`
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	ARN            string `json:"associationArn"`
	ID             string `json:"associationId"`
}

// one is the answer of every action on one association.
type one struct {
	Association association `json:"association"`
}

func summarise(c *store.Cluster, a *store.Association) summary {
	return summary{ClusterName: a.Cluster, Namespace: a.Namespace, ServiceAccount: a.ServiceAccount, ARN: a.ARN(c).String(), ID: a.ID}
}

// show tells the external id of an association with a target role, unless globs make it one of many.
func show(c *store.Cluster, a *store.Association) *one {
	out := association{
		summary: summarise(c, a), RoleARN: a.RoleARN, Tags: tagMap(a.Tags), CreatedAt: restjson.Time(a.Created), ModifiedAt: restjson.Time(a.Modified),
		DisableSessionTags: a.DisableSessionTags, TargetRoleARN: a.TargetRoleARN, Policy: a.Policy,
	}
	if a.TargetRoleARN != "" && !a.Globs().Wild() {
		out.ExternalID = c.ExternalID(identity.ServiceAccount{Namespace: a.Namespace, Name: a.ServiceAccount})
	}
	return &one{out}
}
