package keys

import (
	"context"
	"crypto"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// maxUnregistered bounds the sources kept for issuers no cluster is registered with.
const maxUnregistered = 1000

// Config of Keys. Store and Now are required.
type Config struct {
	Store *store.Store
	Now   func() time.Time

	// AllowDiscovery lets the keys of an issuer nobody registered be fetched from the public Internet.
	AllowDiscovery bool
	// Client dials issuers nobody registered, and those of other accounts' clusters than the management account's; token.PublicClient if nil.
	Client *http.Client
	// RegisteredClient dials the issuers of the management account's clusters registered with discovery; token.RegisteredClient if nil.
	RegisteredClient *http.Client
	// ClusterClient is a client for the API server a kubeconfig names, and its base URL; KubeconfigClient if nil.
	ClusterClient func(kubeconfig string) (*http.Client, string, error)
	// OwnCluster is a client for the API server of the cluster that this server runs in, and its base URL; nil: none, and no keys of a cluster
	// registered with store.KeysInCluster.
	OwnCluster func() (*http.Client, string, error)
}

// Keys finds key sources. It is safe for concurrent use.
type Keys struct {
	Config

	mu           sync.RWMutex
	clusters     map[string]*entry // by cluster name
	unregistered map[identity.Issuer]token.Source
}

type entry struct {
	record   *store.Cluster
	source   token.Publisher
	reviewer func() (*reviewer, error) // made when first asked for
}

// New fills in a config's defaults.
func New(c Config) *Keys {
	if c.Client == nil {
		c.Client = token.PublicClient()
	}
	if c.RegisteredClient == nil {
		c.RegisteredClient = token.RegisteredClient()
	}
	if c.ClusterClient == nil {
		c.ClusterClient = KubeconfigClient
	}
	return &Keys{Config: c, clusters: map[string]*entry{}, unregistered: map[identity.Issuer]token.Source{}}
}

// ForIssuer is the registered cluster with exactly this issuer, nil if there is none that an OIDC provider of the account may rely on, and the
// source of the issuer's keys, never nil. Nothing is dialled before the source is asked for a key. Every exchange comes through here: it costs an
// index lookup and a read lock.
func (k *Keys) ForIssuer(issuer identity.Issuer, account identity.Account) (*store.Cluster, token.Source) {
	switch clusters := k.Store.Clusters.By(store.ByIssuer, issuer.String()); len(clusters) {
	case 0:
		return nil, k.ofUnregistered(issuer, "")
	case 1:
		c := clusters[0]
		if !k.speaksFor(c, account) {
			return nil, k.ofUnregistered(issuer, c.Account)
		}
		return c, k.ofCluster(c).source
	default:
		return nil, none(fmt.Sprintf("issuer %s is that of clusters %s and %s: deregister one", issuer, clusters[0].Name, clusters[1].Name))
	}
}

// Published is the set of a registered cluster's keys, from where its tokens are verified with them too: nothing is fetched more often for being asked
// for. The error is a *token.Error.
func (k *Keys) Published(ctx context.Context, c *store.Cluster) (*token.KeySet, error) {
	return k.ofCluster(c).source.Set(ctx)
}

// speaksFor reports whether an account may rely on a cluster's keys. Whoever registers a cluster says which keys its issuer has, and could
// say so of an issuer that is not his own: that binds his account and nobody else's. Others rely on the management account's word, or on the issuer
// itself, asked under its own name.
func (k *Keys) speaksFor(c *store.Cluster, account identity.Account) bool {
	if c.Account == account || c.Keys == store.KeysDiscovery && strings.HasPrefix(c.Issuer.String(), "https://") {
		return true
	}
	return k.Store.Manages(c.Account)
}

func (k *Keys) ofCluster(c *store.Cluster) *entry {
	k.mu.RLock()
	e := k.clusters[c.Name]
	k.mu.RUnlock()
	if e != nil && e.record == c {
		return e
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	switch e = k.clusters[c.Name]; {
	case e != nil && e.record == c:
		return e
	case e != nil && sameKeys(e.record, c):
		e = &entry{c, e.source, e.reviewer} // what was fetched still holds
		k.clusters[c.Name] = e
		return e
	}
	for name := range k.clusters {
		if _, still := k.Store.Clusters.Get(name); !still {
			delete(k.clusters, name)
		}
	}
	e = &entry{c, k.build(c), sync.OnceValues(func() (*reviewer, error) { return k.newReviewer(c) })}
	k.clusters[c.Name] = e
	return e
}

// ofUnregistered is the source of an issuer no cluster vouches for. elsewhere is the account that registered it for itself only, "" if none did.
func (k *Keys) ofUnregistered(issuer identity.Issuer, elsewhere identity.Account) token.Source {
	switch {
	case k.AllowDiscovery:
	case elsewhere != "":
		return none(fmt.Sprintf("issuer %s is registered by account %s, whose word counts in that account alone: register the cluster with discovery, "+
			"or in the management account", issuer, elsewhere))
	default:
		return none(fmt.Sprintf("issuer %s is not that of a registered cluster (see podpass cluster register) and discovery is not allowed (--allow-discovery)", issuer))
	}
	k.mu.RLock()
	source := k.unregistered[issuer]
	k.mu.RUnlock()
	if source != nil {
		return source
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	if source = k.unregistered[issuer]; source != nil {
		return source
	}
	for other := range k.unregistered {
		if len(k.unregistered) < maxUnregistered {
			break
		}
		delete(k.unregistered, other) // any will do: losing one costs its issuer one more fetch
	}
	source = token.Refreshing(token.Discover(k.Client, issuer.String()), k.Now)
	k.unregistered[issuer] = source
	return source
}

// none is a source without keys, and why. Its keys are unknown rather than unavailable: trying again would not help.
type none string

func (why none) Key(context.Context, string, string) (crypto.PublicKey, error) {
	return nil, &token.Error{Reason: token.UnknownKey, Detail: string(why)}
}

func (why none) Set(context.Context) (*token.KeySet, error) {
	return nil, &token.Error{Reason: token.UnknownKey, Detail: string(why)}
}
