package agent

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/podpass/podpass/token"
)

// MaxHeaderBytes is what an http.Server of the Handler needs to read the longest token.
const MaxHeaderBytes = 2 * token.MaxSize

// Config of an Agent. Zero values are the defaults of the EKS Pod Identity Agent where it has the setting too.
type Config struct {
	Cluster string // its name, as FollowAssociations asks for it
	Backend Backend

	Keys     token.Source // of the cluster; nil: tokens are left to the backend, and only one it has accepted is known again
	Issuer   string       // of the cluster's tokens; "" any
	Audience string       // tokens must have it among theirs; "" any
	Hosts    []string     // names and addresses the agent may be called by, without ports
	Bind     PodAddresses // nil: a token may come from any address
	IRSA     *IRSA        // nil: pods cannot name a role

	MaxRetention  time.Duration // credentials older than this are renewed; default 3 h
	MaxCache      int           // pods whose credentials are kept, and pods that may wait for their first; default 2000
	MaxQPS        int           // renewals a second; default 3
	MaxInFlight   int           // calls of the backend at a time; default 64
	ObtainTimeout time.Duration // of one call; default 5 s

	Now        func() time.Time                        // default time.Now
	Jitter     func(below time.Duration) time.Duration // a random time in [0, below); default math/rand
	Logger     *slog.Logger                            // default: nothing is logged
	Registerer prometheus.Registerer                   // nil: metrics are kept and shown to nobody
}

func (c *Config) setDefaults() error {
	if c.Backend == nil {
		return errors.New("agent has no backend to obtain credentials from")
	}
	if len(c.Hosts) == 0 {
		return errors.New("agent has no address it may be called by")
	}
	if c.IRSA != nil {
		irsa, err := c.IRSA.complete()
		if err != nil {
			return err
		}
		c.IRSA = irsa
	}
	if c.MaxRetention < 0 || c.MaxCache < 0 || c.MaxQPS < 0 || c.MaxInFlight < 0 || c.ObtainTimeout < 0 {
		return errors.New("agent's limits must not be negative")
	}
	c.MaxRetention = orDefault(c.MaxRetention, 3*time.Hour)
	c.MaxCache = orDefault(c.MaxCache, 2000)
	c.MaxQPS = orDefault(c.MaxQPS, 3)
	c.MaxInFlight = orDefault(c.MaxInFlight, 64)
	c.ObtainTimeout = orDefault(c.ObtainTimeout, 5*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

func orDefault[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

// Agent hands out credentials. It is safe for concurrent use; one serves every listener of the node.
type Agent struct {
	cfg     Config
	keys    *patientKeys // nil without Config.Keys
	hosts   map[string]bool
	metrics *metrics
	wake    chan struct{} // holds one: an entry may be due for renewal before the loop thinks so

	readings singleflight.Group // of tokens, by their hash

	mu      sync.Mutex
	known   *lru[digest, known]     // tokens that were verified, here or by the backend
	entries *lru[digest, *entry]    // by caller
	refused *lru[digest, refusal]   // by flight, for a moment
	gone    *lru[string, struct{}]  // uids of deleted pods
	roles   *lru[digest, *podRoles] // by caller, what it named
	flights map[digest]*flight
	queue   *queue // none of them runs yet
	running int    // flights with a goroutine
	flown   uint64 // flights begun so far

	followed int64 // revision up to which changes of associations have been applied to all of this; 0: it isn't known

	readiness readiness
}

// New makes an Agent. It makes no call and starts nothing.
func New(c Config) (*Agent, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	a := &Agent{
		cfg: c, hosts: map[string]bool{}, wake: make(chan struct{}, 1), flights: map[digest]*flight{}, queue: newQueue(),
		known: newLRU[digest, known](2 * c.MaxCache), entries: newLRU[digest, *entry](c.MaxCache),
		refused: newLRU[digest, refusal](c.MaxCache), gone: newLRU[string, struct{}](2 * c.MaxCache), roles: newLRU[digest, *podRoles](c.MaxCache),
		readiness: readiness{begun: make(chan struct{})},
	}
	if c.Keys != nil {
		a.keys = &patientKeys{source: c.Keys, now: c.Now, withdrawn: a.forgetSigner, last: map[keyName]keptKey{}}
	}
	for _, h := range c.Hosts {
		a.hosts[hostName(h)] = true
	}
	var err error
	a.metrics, err = newMetrics(c.Registerer, a)
	return a, err
}

// hostName is the one form of a Host header's value: no port, no brackets, addresses as netip writes them.
func hostName(host string) string {
	if ap, err := netip.ParseAddrPort(host); err == nil {
		return ap.Addr().String()
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host, ':') == i {
		host = host[:i]
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String()
	}
	return strings.ToLower(host)
}

// Run renews credentials ahead of their expiry, and has an eye on the cluster's keys, until the context is done.
func (a *Agent) Run(ctx context.Context) error {
	a.readiness.started()
	defer a.readiness.stopped()
	var keys sync.WaitGroup
	keys.Go(func() { a.followKeys(ctx) })
	a.renew(ctx)
	keys.Wait()
	return ctx.Err()
}
