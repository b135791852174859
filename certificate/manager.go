package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// A Publisher hands a CA bundle, in PEM, to the clients that are to trust it. Publish returns nil only once the bundle is where clients
// read it; publishing the same bundle again changes nothing.
type Publisher interface {
	Publish(ctx context.Context, bundle []byte) error
}

// A Watcher is a Publisher that notices when what it published has been changed or deleted by somebody else.
type Watcher interface {
	Publisher
	// Watch calls changed whenever the place may no longer hold what was published, until ctx ends.
	Watch(ctx context.Context, changed func())
}

// Config is what New needs. The zero durations are those of the constants below.
type Config struct {
	Secrets corev1.SecretInterface
	// Name is the Secret's. It is made where it does not exist, and then has the label app.kubernetes.io/managed-by=podpass.
	Name     string
	DNSNames []string
	// Publish are told of each new bundle until they succeed.
	Publish []Publisher
	// CAValidity and Validity are how long a CA and a serving certificate are valid; Overlap is how long clients are given to read a
	// new bundle before the first certificate that needs it is served, and to let go of the old certificate before the old CA is dropped.
	CAValidity, Validity, Overlap time.Duration
	// Now is time.Now where nil.
	Now func() time.Time
	Log *slog.Logger
}

// Manager keeps the certificate. Its methods may be called by many goroutines.
type Manager struct {
	config Config
}

// New returns a Manager that has nothing to serve until it Runs.
func New(config Config) (*Manager, error) {
	return &Manager{config: config}, nil
}

var errNotYet = errors.New("no certificate has been read from its Secret yet")

// Run keeps the certificate until ctx ends, and then returns nil.
func (m *Manager) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// GetCertificate is for tls.Config.
func (m *Manager) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errNotYet
}

// Ready is nil once there is a certificate and its CA has been published.
func (m *Manager) Ready() error {
	return errNotYet
}
