package eksauth

import (
	"context"
	"io"
	"time"

	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/upstream"
)

// Upstream assumes roles that live at another STS.
type Upstream interface {
	// Assume answers with a *upstream.Error where the STS refused; any other error is that there was no answer.
	Assume(ctx context.Context, r upstream.AssumeRequest) (*upstream.Assumed, error)
}

// Config is what the service stands on. Every field but Upstream is required.
type Config struct {
	Store    *store.Store
	Gate     *access.Gate
	Keys     *keys.Keys
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
