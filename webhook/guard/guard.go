package guard

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/podpass/podpass/webhook"
)

// What the guard is known by in a cluster.
const (
	Lease    = "podpass-guard"
	ListName = "podpass-accounts"
	CAName   = "podpass-ca"

	caKey      = "ca.crt"
	labelKey   = "app.kubernetes.io/managed-by"
	labelValue = "podpass"
)

// Associations says which accounts have an association, as far as that is known at the moment. Where it also has a method
// Changed() <-chan struct{}, whose channel is closed at the next change, the guard follows at once; otherwise within a minute.
type Associations interface {
	Matching(namespace, name string) bool
	// Ready is an error until what is there has been read for the first time.
	Ready() error
}

// Config is what New needs.
type Config struct {
	Client kubernetes.Interface
	// Metadata reads service accounts; metadata.NewForConfig's asks for protobuf.
	Metadata metadata.Interface
	// Namespace has the Lease, and the CA that is copied.
	Namespace string
	// Identity is this replica's, and no other's.
	Identity     string
	Rules        *webhook.Rules
	Associations []Associations
	// Mappings are roles of accounts with no annotation; nil where there are none. As Associations it may have Changed.
	Mappings webhook.Mappings
	CopyCA   bool
	// WritesPerSecond is how many the API server is asked to make at most; 100 where 0.
	WritesPerSecond float32
	Log             *slog.Logger
	Registerer      prometheus.Registerer // nil: metrics are shown to nobody
}

const defaultWrites = 100

// How long the work lies idle if the replica that does it dies is the first of these.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// Guard keeps the lists.
type Guard struct {
	cfg     Config
	metrics *metrics
}

// New returns a Guard that does nothing until it Runs.
func New(config Config) (*Guard, error) {
	if config.Client == nil || config.Metadata == nil || config.Rules == nil {
		return nil, errors.New("guard: clients and rules are required")
	}
	if config.Namespace == "" || config.Identity == "" {
		return nil, errors.New("guard: namespace and identity of the replica are required")
	}
	if config.WritesPerSecond <= 0 {
		config.WritesPerSecond = defaultWrites
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	metrics, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, err
	}
	return &Guard{cfg: config, metrics: metrics}, nil
}

// Run keeps the lists whenever it is this replica's turn, until ctx ends; it then gives the turn to another and returns nil.
func (g *Guard) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := g.turn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// turn waits for the Lease, and works until it is lost.
func (g *Guard) turn(ctx context.Context) error {
	begun := make(chan context.Context, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  meta.ObjectMeta{Name: Lease, Namespace: g.cfg.Namespace},
			Client:     g.cfg.Client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: g.cfg.Identity},
		},
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true,
		Name:            Lease,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) { begun <- ctx },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		elector.Run(klog.NewContext(ctx, logr.FromSlogHandler(g.cfg.Log.Handler())))
		close(ended)
	}()
	select {
	case <-ended: // it never was this replica's turn
	case turn := <-begun:
		g.cfg.Log.Info("guard: this replica keeps the lists of accounts", "replica", g.cfg.Identity)
		g.metrics.leading.Set(1)
		g.work(turn)
		g.metrics.leading.Set(0)
		<-ended
		if ctx.Err() == nil {
			g.cfg.Log.Warn("guard: the lease was lost, another replica may keep the lists", "lease", g.cfg.Namespace+"/"+Lease)
		}
	}
	return nil
}
