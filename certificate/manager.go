package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// What the zero durations of Config mean. A pod's process reads its CA bundle once, at its start, so the overlap is a matter of how long
// processes live rather than of how fast the bundle travels; where only the API server is a client, minutes are enough.
const (
	DefaultCAValidity = 10 * 365 * 24 * time.Hour
	DefaultValidity   = 90 * 24 * time.Hour
	DefaultOverlap    = 24 * time.Hour
)

// Config is what New needs. The zero durations are the defaults above.
type Config struct {
	// Secrets is of the namespace the Secret is in.
	Secrets corev1.SecretInterface
	// Name is the Secret's. It is made where it does not exist, and then has the label app.kubernetes.io/managed-by=podpass.
	Name     string
	DNSNames []string
	// Publish are told of each new bundle until they succeed.
	Publish []Publisher
	// CAValidity and Validity are how long a CA and a serving certificate are valid. Each is replaced when a third of that is left.
	CAValidity, Validity time.Duration
	// Overlap is how long clients are given to read a new bundle before the first certificate that needs it is served, and how long
	// replicas are given to let go of the old certificate before its CA is dropped.
	Overlap time.Duration
	// Now is time.Now where nil.
	Now func() time.Time
	Log *slog.Logger
}

// Manager keeps the certificate. Its methods may be called by many goroutines.
type Manager struct {
	cfg     Config
	served  atomic.Pointer[tls.Certificate]
	read    atomic.Pointer[time.Time] // when the Secret was last read, or written, and found to be in order
	failure atomic.Pointer[string]    // why the last pass came to nothing; nil where it did not fail
	look    chan struct{}             // holds one item where something may have changed

	// The rest belongs to the goroutine of Run.
	remembered *state  // as last read in order
	published  *bundle // what every place has been seen to hold
	said       string  // the failure that was logged last
}

// New returns a Manager that has nothing to serve until it Runs.
func New(config Config) (*Manager, error) {
	var mistakes []error
	if config.Secrets == nil || config.Name == "" {
		mistakes = append(mistakes, errors.New("the Secret of the certificate has no name, or there is no client for it"))
	}
	if len(config.DNSNames) == 0 {
		mistakes = append(mistakes, errors.New("a serving certificate needs at least one DNS name"))
	}
	for _, d := range []*struct {
		value        *time.Duration
		name         string
		whereNothing time.Duration
	}{
		{&config.CAValidity, "validity of the CA", DefaultCAValidity},
		{&config.Validity, "validity of the certificate", DefaultValidity},
		{&config.Overlap, "overlap", DefaultOverlap},
	} {
		if *d.value < 0 {
			mistakes = append(mistakes, fmt.Errorf("the %s is negative: %v", d.name, *d.value))
		}
		if *d.value == 0 {
			*d.value = d.whereNothing
		}
	}
	// A CA is replaced with a third of its life left: the replacing has to fit into that.
	if config.CAValidity < 6*config.Overlap {
		mistakes = append(mistakes, fmt.Errorf("a CA valid for %v leaves no time to replace it with an overlap of %v: at least six times the overlap is needed", config.CAValidity, config.Overlap))
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Manager{cfg: config, look: make(chan struct{}, 1)}, nil
}

var errNotYet = errors.New("there is no certificate yet whose CA has been published")

// GetCertificate is for tls.Config.
func (m *Manager) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := m.served.Load(); c != nil {
		return c, nil
	}
	return nil, errNotYet
}

// Ready is nil once there is a certificate and its CA has been published.
//
// It is an error again where the Secret could not be read for half the overlap: other replicas may be about to drop the CA of the
// certificate that this one serves, and clients should be sent to those.
func (m *Manager) Ready() error {
	served, read := m.served.Load(), m.read.Load()
	if served == nil || read == nil {
		if why := m.failure.Load(); why != nil {
			return fmt.Errorf("%w: %s", errNotYet, *why)
		}
		return errNotYet
	}
	now := m.cfg.Now()
	if age := now.Sub(*read); age > m.cfg.Overlap/2 {
		return fmt.Errorf("the Secret %s of the certificate could not be read for %v", m.cfg.Name, age.Round(time.Second))
	}
	if !now.Before(served.Leaf.NotAfter) {
		return fmt.Errorf("the certificate expired at %v", served.Leaf.NotAfter)
	}
	return nil
}
