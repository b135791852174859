package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// Association of a service account, or of every one that two globs match, with a role.
type Association struct {
	Cluster            string        `json:"cluster"`
	Namespace          string        `json:"namespace"`      // a name, or beyond AWS a glob
	ServiceAccount     string        `json:"serviceAccount"` // likewise
	ID                 string        `json:"id"`             // a-…
	RoleARN            string        `json:"roleArn"`
	TargetRoleARN      string        `json:"targetRoleArn,omitempty"`
	DisableSessionTags bool          `json:"disableSessionTags,omitempty"`
	Policy             string        `json:"policy,omitempty"`
	Tags               identity.Tags `json:"tags,omitempty"`
	ClientToken        string        `json:"clientToken,omitempty"` // of the request that created it: the same request again is no conflict
	Created            time.Time     `json:"created"`
	Modified           time.Time     `json:"modified"`
}

// ARN of an association of the cluster.
func (a *Association) ARN(c *Cluster) identity.ARN {
	return identity.MustARN("arn:" + c.Partition + ":eks:" + c.Region + ":" + string(c.Account) + ":podidentityassociation/" + c.Name + "/" + a.ID)
}

// ExternalID is what a target role is assumed with for a service account of the cluster.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html
func (c *Cluster) ExternalID(sa identity.ServiceAccount) string {
	return c.Region + "/" + string(c.Account) + "/" + c.Name + "/" + sa.Namespace + "/" + sa.Name
}

func (a *Association) pack(p *packing) {
	p.share(&a.Cluster, &a.Namespace, &a.TargetRoleARN, &a.Policy)
	p.own(&a.ServiceAccount, &a.ID, &a.RoleARN, &a.ClientToken)
	p.tags(a.Tags)
}

// AssociationKey is CLUSTER/NAMESPACE/SERVICEACCOUNT: a service account, or a pair of globs, has one association.
func AssociationKey(cluster, namespace, name string) string {
	return cluster + "/" + namespace + "/" + name
}

// associationIndexes: ByID finds one by its id; byGlobs has those that are for more than one service account, per cluster and namespace where they name
// one, and per cluster where that is a glob, too.
var associationIndexes = []index[Association]{
	{name: ByID, values: func(a *Association, add func(string)) { add(a.ID) }},
	{name: byGlobs, values: func(a *Association, add func(string)) {
		if a.Globs().Wild() {
			add(globsKey(a.Cluster, a.Namespace))
		}
	}},
}

// Globs are what the association names its service accounts by.
func (a *Association) Globs() identity.Globs {
	return identity.Globs{Namespace: a.Namespace, ServiceAccount: a.ServiceAccount}
}

// AssociationFor is the one association that is in force for a service account: the one that names it exactly, else the first by identity.Globs of those
// that match it.
func (s *Store) AssociationFor(cluster string, sa identity.ServiceAccount) (*Association, bool) {
	if a, ok := s.Associations.Get(AssociationKey(cluster, sa.Namespace, sa.Name)); ok {
		return a, true
	}
	for _, namespace := range [...]string{sa.Namespace, "*"} { // a name goes before a glob
		var best *Association
		for _, a := range s.Associations.By(byGlobs, globsKey(cluster, namespace)) {
			if a.Globs().Match(sa) && (best == nil || a.Globs().Compare(best.Globs()) < 0) {
				best = a
			}
		}
		if best != nil {
			return best, true
		}
	}
	return nil, false
}

// globsKey is CLUSTER/NAMESPACE, or CLUSTER/* whatever the glob.
func globsKey(cluster, namespace string) string {
	if identity.IsGlob(namespace) {
		namespace = "*"
	}
	return cluster + "/" + namespace
}
