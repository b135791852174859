package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// Association of a service account with a role. (Its API comes with Pod Identity; apply writes it and run reads it.)
type Association struct {
	Cluster            string        `json:"cluster"`
	Namespace          string        `json:"namespace"`
	ServiceAccount     string        `json:"serviceAccount"`
	ID                 string        `json:"id"` // a-…
	RoleARN            string        `json:"roleArn"`
	TargetRoleARN      string        `json:"targetRoleArn,omitempty"`
	DisableSessionTags bool          `json:"disableSessionTags,omitempty"`
	Policy             string        `json:"policy,omitempty"`
	Tags               identity.Tags `json:"tags,omitempty"`
	Created            time.Time     `json:"created"`
	Modified           time.Time     `json:"modified"`
}

func (a *Association) pack(p *packing) {
	p.share(&a.Cluster, &a.Namespace, &a.TargetRoleARN, &a.Policy)
	p.own(&a.ServiceAccount, &a.ID, &a.RoleARN)
	p.tags(a.Tags)
}

// AssociationKey is CLUSTER/NAMESPACE/SERVICEACCOUNT: a service account has one association.
func AssociationKey(cluster, namespace, name string) string {
	return cluster + "/" + namespace + "/" + name
}
