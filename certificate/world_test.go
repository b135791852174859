package certificate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/podpass/podpass/certificate"
	"github.com/podpass/podpass/test/fakekubernetes"
)

const (
	namespace = "podpass-system"
	secret    = "podpass-webhook-certificate"
	place     = "podpass-ca"
	host      = "podpass-webhook.podpass-system.svc"
	overlap   = 10 * time.Minute
)

// world is a cluster with a webhook configuration, in a bubble whose clock jumps.
type world struct {
	*testing.T
	client *fake.Clientset
	log    *bytes.Buffer
	logger *slog.Logger // one for all: its lock keeps the buffer
}

func newWorld(t *testing.T) *world {
	entries := []admission.MutatingWebhook{{Name: "pods.podpass.io"}, {Name: "required-pods.podpass.io"}}
	log := new(bytes.Buffer)
	return &world{T: t, log: log, logger: slog.New(slog.NewTextHandler(log, nil)), client: fakekubernetes.New(
		&admission.MutatingWebhookConfiguration{ObjectMeta: meta.ObjectMeta{Name: "podpass", Labels: map[string]string{"mine": "yes"}}, Webhooks: entries},
	)}
}

// replica is a process that serves. Cut off, it can't reach the API server.
type replica struct {
	*certificate.Manager
	cut  atomic.Bool
	stop func()
}

func (w *world) config() certificate.Config {
	return certificate.Config{
		Secrets: w.client.CoreV1().Secrets(namespace), Name: secret, DNSNames: []string{host, "podpass-webhook"}, Overlap: overlap,
		Publish: []certificate.Publisher{certificate.ConfigMap(w.client, namespace, place), certificate.WebhookConfiguration(w.client, "podpass")},
		Log:     w.logger,
	}
}

func (w *world) start(change func(*certificate.Config)) *replica {
	w.Helper()
	r := &replica{}
	config := w.config()
	if change != nil {
		change(&config)
	}
	config.Secrets = &flaky{SecretInterface: config.Secrets, cut: &r.cut}
	var err error
	if r.Manager, err = certificate.New(config); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	}
	return r
}

// flaky reads the Secret unless it is cut off; its watch tells nothing then, either, for a pass reads for itself.
type flaky struct {
	typed.SecretInterface
	cut *atomic.Bool
}

func (f *flaky) Get(ctx context.Context, name string, o meta.GetOptions) (*core.Secret, error) {
	if f.cut.Load() {
		return nil, errors.New("connection refused")
	}
	return f.SecretInterface.Get(ctx, name, o)
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d) // the bubble's clock: takes no time
	synctest.Wait()
}

func (w *world) secret() *core.Secret {
	w.Helper()
	s, err := w.client.CoreV1().Secrets(namespace).Get(w.Context(), secret, meta.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) update(change func(*core.Secret)) {
	w.Helper()
	s := w.secret()
	change(s)
	if _, err := w.client.CoreV1().Secrets(namespace).Update(w.Context(), s, meta.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) request(what string) {
	w.Helper()
	w.update(func(s *core.Secret) {
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		s.Annotations[certificate.AnnotationRotate] = what
	})
}

// published is what pods are told to trust; nil where nothing is.
func (w *world) published() []byte {
	w.Helper()
	m, err := w.client.CoreV1().ConfigMaps(namespace).Get(w.Context(), place, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	return []byte(m.Data["ca.crt"])
}

// caBundle is what the API server is told to trust, one for each entry.
func (w *world) caBundle() (bundles [][]byte) {
	w.Helper()
	c, err := w.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(w.Context(), "podpass", meta.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range c.Webhooks {
		bundles = append(bundles, e.ClientConfig.CABundle)
	}
	return bundles
}

// connect is a TLS handshake of a client that trusts the bundle alone. It returns what was presented.
func connect(r *replica, bundle []byte, name string) (*x509.Certificate, error) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	// A client that refuses says so while the server still writes, which an unbuffered pipe lets neither finish.
	if err := errors.Join(ours.SetDeadline(time.Now().Add(time.Second)), theirs.SetDeadline(time.Now().Add(time.Second))); err != nil {
		return nil, err
	}
	served := make(chan error, 1)
	go func() {
		defer theirs.Close()
		served <- tls.Server(theirs, &tls.Config{GetCertificate: r.GetCertificate, MinVersion: tls.VersionTLS13}).Handshake()
	}()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	client := tls.Client(ours, &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS13})
	if err := client.Handshake(); err != nil {
		return nil, err
	}
	if err := <-served; err != nil {
		return nil, err
	}
	return client.ConnectionState().PeerCertificates[0], nil
}

// wantServed is that the replica is ready, and that every client can connect.
func (w *world) wantServed(r *replica) (leaf *x509.Certificate) {
	w.Helper()
	if err := r.Ready(); err != nil {
		w.Errorf("not ready: %v", err)
	}
	for _, bundle := range append(w.caBundle(), w.published()) {
		var err error
		if leaf, err = connect(r, bundle, host); err != nil {
			w.Errorf("connecting: %v", err)
		}
	}
	return leaf
}

func certificates(bundle []byte) (count int) {
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			return count
		}
		count++
	}
}
