package eks

import (
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

// reaches reports whether the caller may touch what belongs to an account at all, its policies aside.
func (s *service) reaches(c *restjson.Call, account identity.Account) bool {
	return account == c.Caller.Account || s.Store.Manages(c.Caller.Account)
}

// cluster finds a registered cluster the caller may know of. One of another account is not found.
func (s *service) cluster(c *restjson.Call, name string) (*store.Cluster, error) {
	c.Event.Cluster = name
	found, ok := s.Store.Clusters.Get(name)
	if !ok || !s.reaches(c, found.Account) {
		return nil, noCluster(name)
	}
	return found, nil
}

// authorise asks the caller's policies for eks:ACTION on what the call is about.
func (s *service) authorise(c *restjson.Call, action, resource string, keys *policy.Context) error {
	c.Event.Resource = resource
	decision, err := s.gate.Authorise(c.Request, c.Caller, "eks:"+action, resource, keys)
	if err != nil {
		return err
	}
	c.Event.Statement = decision.Why()
	return nil
}

// passRole asks for iam:PassRole: without it, whoever may associate could give any role away.
func (s *service) passRole(c *restjson.Call, cluster *store.Cluster, role string) error {
	keys := new(policy.Context)
	keys.Set("iam:PassedToService", identity.PodIdentity)
	keys.Set("iam:AssociatedResourceArn", cluster.ARN().String())
	_, err := s.gate.Authorise(c.Request, c.Caller, "iam:PassRole", role, keys)
	return err
}

// on finds the cluster and the association of a call, and authorises the action on the association's ARN before it tells whether there is one.
// What it returns is shared and read-only.
func (s *service) on(c *restjson.Call, action string, in onAssociation) (*store.Cluster, *store.Association, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, nil, err
	}
	if !isID(in.ID) {
		return nil, nil, noAssociation(in.ID)
	}
	a := s.find(cluster, in.ID)
	known := store.Association{ID: in.ID}
	if a != nil {
		known = *a
		c.Event.Namespace, c.Event.ServiceAccount, c.Event.Association = a.Namespace, a.ServiceAccount, a.ID
	}
	if err := s.authorise(c, action, known.ARN(cluster).String(), access.ResourceTags(known.Tags)); err != nil {
		return nil, nil, err
	}
	if a == nil {
		return nil, nil, noAssociation(in.ID)
	}
	return cluster, a, nil
}

// onAssociation is the input of the actions on one association.
type onAssociation struct {
	Cluster string `label:"name" json:"-"`
	ID      string `label:"associationId" json:"-"`
}

// find looks an association of the cluster up by its id; nil where there is none.
func (s *service) find(c *store.Cluster, id string) *store.Association {
	for _, a := range s.Store.Associations.By(store.ByID, id) {
		if a.Cluster == c.Name {
			return a
		}
	}
	return nil
}

// read is an association as a transaction sees it, and its key.
func (s *service) read(tx *store.Tx, a *store.Association) (key string, now *store.Association, err error) {
	key = store.AssociationKey(a.Cluster, a.Namespace, a.ServiceAccount)
	now, ok := store.Read(tx, s.Store.Associations, key)
	if !ok || now.ID != a.ID { // deleted meanwhile, and perhaps made again
		return "", nil, noAssociation(a.ID)
	}
	return key, now, nil
}
