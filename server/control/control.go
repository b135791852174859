package control

import (
	"context"
	"errors"
	"net/http"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/server/oidc"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

// Config is what the API stands on. Every field but the flags is required.
type Config struct {
	Pipeline restjson.Pipeline
	Env      iam.Env    // store, clock and randomness
	Keys     *keys.Keys // tries a cluster's key source when it is registered
	Recent   Recent
	Schedule oidc.Schedule // of issuer keys; as the Rotator's

	AllowTokens bool // issue tokens for hosted clusters' service accounts

	// Ending is done when the server ends: whoever waits for a change is answered at once. nil: never.
	Ending context.Context
}

// Recent is an *audit.Recent.
type Recent interface {
	// Whois finds the event that issued an access key.
	Whois(accessKeyID string) (audit.Event, bool)
	// Exchanges are the latest of a service account, the newest first.
	Exchanges(cluster, namespace, serviceAccount string) []audit.Exchange
}

// service is the state the actions share.
type service struct {
	Config
	store *store.Store
}

// New makes the handler for api.Prefix.
func New(c Config) http.Handler {
	if c.Ending == nil {
		c.Ending = context.Background()
	}
	s := &service{Config: c, store: c.Env.Store}
	var actions []restjson.Action
	for _, group := range [][]restjson.Action{
		s.clusterActions(), s.accountActions(), s.serviceAccountActions(), s.applyActions(), s.keyActions(), s.sessionActions(),
		s.associationActions(),
	} {
		actions = append(actions, group...)
	}
	return c.Pipeline.Handler(restjson.Service{Name: api.Service, Strict: true, Actions: actions})
}

// route is a path of the API.
func route(path string) string { return api.Prefix + path }

// authorise asks the caller's policies for podpass:ACTION on a resource.
func (s *service) authorise(c *restjson.Call, action, resource string) error {
	decision, err := s.Pipeline.Gate.Authorise(c.Request, c.Caller, "podpass:"+action, resource, nil)
	if err != nil {
		return err
	}
	c.Event.Statement = decision.Why()
	return nil
}

// reaches reports whether the caller may touch what belongs to an account at all, its policies aside.
func (s *service) reaches(c *restjson.Call, account identity.Account) bool {
	return account == c.Caller.Account || s.store.Manages(c.Caller.Account)
}

// requireManagement refuses everyone outside the management account.
func (s *service) requireManagement(c *restjson.Call, action string) error {
	if s.store.Manages(c.Caller.Account) {
		return nil
	}
	return awserr.AccessDenied("User: " + c.Caller.ARN.String() + " is not authorized to perform: podpass:" + action +
		" because only the management account may").Because(errors.New("the caller is not of the management account"))
}

// cluster finds a registered cluster the caller may know of and authorises the action on it. One of another account is not found.
func (s *service) cluster(c *restjson.Call, action, name string) (*store.Cluster, error) {
	c.Event.Cluster = name
	found, ok := s.store.Clusters.Get(name)
	if !ok || !s.reaches(c, found.Account) {
		return nil, noCluster(name)
	}
	return found, s.authorise(c, action, found.ARN().String())
}

// resource is the ARN of a thing AWS has no ARN for.
func (s *service) resource(c *restjson.Call, region string, account identity.Account, name string) string {
	return "arn:" + c.Caller.ARN.Partition() + ":podpass:" + region + ":" + string(account) + ":" + name
}

// serviceAccountARN is what podpass:CreateToken and podpass:Apply are asked about.
func serviceAccountARN(c *store.Cluster, sa identity.ServiceAccount) string {
	return "arn:" + c.Partition + ":podpass:" + c.Region + ":" + string(c.Account) + ":serviceaccount/" + c.Name + "/" + sa.Namespace + "/" + sa.Name
}

// empty is the input of an action whose path says all, and of those asked with an empty object.
type empty struct{}
