package eksauth

import (
	"context"
	"io"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
	"github.com/podpass/podpass/upstream"
)

// Keys knows what verifies a cluster's tokens.
type Keys interface {
	// ForIssuer returns the cluster registered for exactly this issuer, nil if there is none that the account may rely on, and
	// the source of the issuer's keys, which refuses every key where nothing vouches for the issuer.
	ForIssuer(issuer identity.Issuer, account identity.Account) (*store.Cluster, token.Source)
	// Review asks the cluster that issued a verified token whether it still stands by it, where the cluster is registered so.
	Review(ctx context.Context, cluster *store.Cluster, raw string, claims *token.Claims) error
}

// Upstream assumes roles that live at another STS.
type Upstream interface {
	// Assume answers with a *upstream.Error where the STS refused; any other error is that there was no answer.
	Assume(ctx context.Context, r upstream.AssumeRequest) (*upstream.Assumed, error)
}

// Config is what the service stands on. Every field but Upstream is required.
type Config struct {
	Store    *store.Store
	Gate     *access.Gate
	Keys     Keys
	Now      func() time.Time
	Random   io.Reader // of session ids and nonces
	Upstream Upstream  // nil: roles of upstream accounts are refused
}

type service struct {
	Config
	roles *assume.Roles
}

// New makes the service, to be mounted on a restjson.Pipeline.
func New(c Config) restjson.Service {
	s := &service{c, &assume.Roles{Store: c.Store, Now: c.Now, Random: c.Random}}
	return restjson.Service{
		Name: "eks-auth",
		Actions: []restjson.Action{
			restjson.NewAction("AssumeRoleForPodIdentity", "POST", "/clusters/{clusterName}/assume-role-for-pod-identity", s.assumeRoleForPodIdentity),
		},
	}
}
