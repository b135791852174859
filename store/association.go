package store

import (
	"cmp"
	"slices"
	"strings"
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

// associationIndexes: ByID finds one by its id; byGlobs has, per cluster, those that name more than one service account.
var associationIndexes = []index[Association]{
	{name: ByID, values: func(a *Association, add func(string)) { add(a.ID) }},
	{name: byGlobs, values: func(a *Association, add func(string)) {
		if a.Globs() {
			add(a.Cluster)
		}
	}},
}

// Globs reports whether the association names its service accounts by globs: * is any run of characters and ? any one.
func (a *Association) Globs() bool {
	return identity.IsGlob(a.Namespace) || identity.IsGlob(a.ServiceAccount)
}

// Names reports whether the association is for a service account.
func (a *Association) Names(sa identity.ServiceAccount) bool {
	return identity.Glob(a.Namespace, sa.Namespace) && identity.Glob(a.ServiceAccount, sa.Name)
}

// AssociationFor is the one association that is in force for a service account. The one that names it exactly goes before all others. Among
// globs the namespace counts before the service account; in each a name goes before a glob, and of two globs the one with more literal
// characters. What is still equal is decided by the text, the smaller first, so that the answer never depends on the order of creation.
func (s *Store) AssociationFor(cluster string, sa identity.ServiceAccount) (*Association, bool) {
	if a, ok := s.Associations.Get(AssociationKey(cluster, sa.Namespace, sa.Name)); ok {
		return a, true
	}
	var best *Association
	for _, a := range s.Associations.By(byGlobs, cluster) {
		if a.Names(sa) && (best == nil || compareAssociations(a, best) < 0) {
			best = a
		}
	}
	return best, best != nil
}

// compareAssociations is negative where a goes before b.
func compareAssociations(a, b *Association) int {
	return cmp.Or(compareGlobs(a.Namespace, b.Namespace), compareGlobs(a.ServiceAccount, b.ServiceAccount),
		strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.ServiceAccount, b.ServiceAccount))
}

func compareGlobs(a, b string) int {
	if globs := identity.IsGlob(a); globs != identity.IsGlob(b) {
		if globs {
			return 1
		}
		return -1
	}
	return cmp.Compare(literals(b), literals(a))
}

func literals(glob string) int {
	return len(glob) - strings.Count(glob, "*") - strings.Count(glob, "?")
}

// SortAssociations puts associations into the order in which they are tried.
func SortAssociations(list []*Association) { slices.SortFunc(list, compareAssociations) }
