package eks

import (
	"context"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

// resource is what a call on tags is about: a cluster, or one of its associations.
type resource struct {
	arn         string
	cluster     *store.Cluster
	association *store.Association // nil: the cluster itself
}

// resource finds what the caller may know of by its ARN, and authorises the action on it before it tells whether there is one. adds are the
// condition keys of the tags in the request.
func (s *service) resource(c *restjson.Call, action, text string, adds func(*policy.Context)) (*resource, error) {
	arn, err := identity.ParseARN(text)
	if err != nil || arn.Service() != "eks" {
		return nil, badRequest("%q is not the ARN of a cluster or of a Pod Identity association.", text).Because(err)
	}
	kind, rest, _ := strings.Cut(arn.Resource(), "/")
	name, id, nested := strings.Cut(rest, "/")
	if name == "" || kind != "cluster" && kind != "podidentityassociation" || nested != (kind == "podidentityassociation") {
		return nil, badRequest("%q is not the ARN of a cluster or of a Pod Identity association.", text)
	}
	c.Event.Cluster = name
	r := &resource{arn: text}
	var tags identity.Tags
	found, ok := s.Store.Clusters.Get(name)
	if !ok || !s.reaches(c, found.Account) {
		return nil, noResource(text)
	}
	r.cluster, tags = found, found.Tags
	exists := text == found.ARN().String()
	if nested {
		exists, tags = false, nil
		if r.association = s.find(found, id); r.association != nil {
			exists, tags = text == r.association.ARN(found).String(), r.association.Tags
		}
	}
	if !exists {
		tags = nil
	}
	keys := access.ResourceTags(tags)
	adds(keys)
	if err := s.authorise(c, action, text, keys); err != nil {
		return nil, err
	}
	if !exists {
		return nil, noResource(text)
	}
	return r, nil
}

func (r *resource) tags() identity.Tags {
	if r.association != nil {
		return r.association.Tags
	}
	return r.cluster.Tags
}

// retag writes what change makes of the resource's tags.
func (s *service) retag(ctx context.Context, r *resource, change func(identity.Tags) (identity.Tags, error)) error {
	return s.Store.Transact(ctx, func(tx *store.Tx) error {
		if r.association == nil {
			now, ok := store.Read(tx, s.Store.Clusters, r.cluster.Name)
			if !ok || now.ARN() != r.cluster.ARN() {
				return noResource(r.arn)
			}
			var err error
			if now.Tags, err = change(now.Tags); err != nil {
				return err
			}
			store.Write(tx, s.Store.Clusters, now.Name, now)
			return nil
		}
		key, now, err := s.read(tx, r.association)
		if err != nil {
			return noResource(r.arn)
		}
		if now.Tags, err = change(now.Tags); err != nil {
			return err
		}
		store.Write(tx, s.Store.Associations, key, now)
		return nil
	})
}
