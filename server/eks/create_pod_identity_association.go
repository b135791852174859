package eks

import (
	"context"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

type createAssociation struct {
	Cluster            string            `label:"name" json:"-"`
	Namespace          string            `json:"namespace"`
	ServiceAccount     string            `json:"serviceAccount"`
	RoleARN            string            `json:"roleArn"`
	ClientRequestToken string            `json:"clientRequestToken"`
	Tags               map[string]string `json:"tags"`
	DisableSessionTags bool              `json:"disableSessionTags"`
	TargetRoleARN      string            `json:"targetRoleArn"`
	Policy             string            `json:"policy"`
}

// maxClientToken bounds what is kept of a client's own text. SDKs send a UUID.
const maxClientToken = 64

func (s *service) createAssociation(ctx context.Context, c *restjson.Call, in *createAssociation) (*one, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	spec := AssociationSpec{
		Cluster: cluster, Namespace: in.Namespace, ServiceAccount: in.ServiceAccount, RoleARN: in.RoleARN, TargetRoleARN: in.TargetRoleARN,
		DisableSessionTags: in.DisableSessionTags, Policy: in.Policy, Tags: tagList(in.Tags), ClientToken: in.ClientRequestToken,
	}
	if _, err := spec.check(); err != nil {
		return nil, err
	}
	if len(in.ClientRequestToken) > maxClientToken {
		return nil, invalidParameter("clientRequestToken: it has more than %d characters.", maxClientToken)
	}
	c.Event.Namespace, c.Event.ServiceAccount = in.Namespace, in.ServiceAccount
	if err := s.mayCreate(c, &spec); err != nil {
		return nil, err
	}
	var made *store.Association
	err = s.Store.Transact(ctx, func(tx *store.Tx) error {
		there, found := store.Read(tx, s.Store.Associations, spec.key())
		switch {
		case found && (spec.ClientToken == "" || spec.ClientToken != there.ClientToken):
			return alreadyAssociated(there.ID)
		case found && !spec.describes(there):
			return invalidRequest("clientRequestToken: association %s was created by this token with other parameters.", there.ID)
		case found:
			made = there // the same request again
			return nil
		}
		_, made, err = s.PutAssociation(tx, spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Event.Association = made.ID
	return show(cluster, made), nil
}

// mayCreate asks for all that creating an association takes. Its ARN is not known yet, so tagging is asked about any of the cluster.
func (s *service) mayCreate(c *restjson.Call, spec *AssociationSpec) error {
	if len(spec.Tags) > 0 {
		whichever := store.Association{ID: "*"}
		keys := new(policy.Context)
		access.SetRequestTags(keys, spec.Tags)
		if err := s.authorise(c, "TagResource", whichever.ARN(spec.Cluster).String(), keys); err != nil {
			return err
		}
	}
	keys := access.ResourceTags(spec.Cluster.Tags)
	access.SetRequestTags(keys, spec.Tags)
	if err := s.authorise(c, "CreatePodIdentityAssociation", spec.Cluster.ARN().String(), keys); err != nil {
		return err
	}
	return s.passRole(c, spec.Cluster, spec.RoleARN)
}
