package eks

import (
	"io"
	"net/http"
	"time"

	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

// Config is what the service stands on. Every field is required.
type Config struct {
	Store  *store.Store
	Gate   *access.Gate
	Now    func() time.Time
	Random io.Reader // of association ids
}

// service is the state the actions share.
type service struct {
	Env
	gate *access.Gate
}

// New makes the service.
func New(c Config) restjson.Service {
	s := &service{Env: Env{Store: c.Store, Now: c.Now, Random: c.Random}, gate: c.Gate}
	const (
		cluster      = "/clusters/{name}"
		associations = cluster + "/pod-identity-associations"
		association  = associations + "/{associationId}"
		tags         = "/tags/{resourceArn}"
	)
	return restjson.Service{Name: "eks", Fault: "ServerException", Actions: []restjson.Action{
		restjson.NewAction("ListClusters", http.MethodGet, "/clusters", s.listClusters),
		restjson.NewAction("DescribeCluster", http.MethodGet, cluster, s.describeCluster),
		restjson.NewAction("CreatePodIdentityAssociation", http.MethodPost, associations, s.createAssociation),
		restjson.NewAction("ListPodIdentityAssociations", http.MethodGet, associations, s.listAssociations),
		restjson.NewAction("DescribePodIdentityAssociation", http.MethodGet, association, s.describeAssociation),
		restjson.NewAction("UpdatePodIdentityAssociation", http.MethodPost, association, s.updateAssociation),
		restjson.NewAction("DeletePodIdentityAssociation", http.MethodDelete, association, s.deleteAssociation),
		restjson.NewAction("TagResource", http.MethodPost, tags, s.tagResource),
		restjson.NewAction("UntagResource", http.MethodDelete, tags, s.untagResource),
		restjson.NewAction("ListTagsForResource", http.MethodGet, tags, s.listTagsForResource),
	}}
}
