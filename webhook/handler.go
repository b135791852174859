package webhook

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The paths of the handler.
const (
	PathMutate   = "/mutate"          // as the EKS webhook's: what cannot be determined is admitted with a warning
	PathRequired = "/mutate/required" // of pods and namespaces that opted in: what cannot be determined is refused
	PathHealth   = "/healthz"
)

// maxBody bounds a review: the largest pod an API server takes is 3 MB, and a review holds it and little else.
const maxBody = 8 << 20

// Config is what New needs. Accounts is required; nil Associations and Mappings mean none.
type Config struct {
	Settings     Settings
	Accounts     Accounts
	Associations []Associations // asked in order; the first that has an association decides
	Mappings     Mappings
	Version      func() Version // of the API server, as last known; nil means unknown
	Jitter       func() int64   // seconds to take off a default token lifetime, 0 to 7200; nil means random
	Timeout      time.Duration  // for all lookups of a review; 0 means 2 s
	Log          *slog.Logger
	Registerer   prometheus.Registerer // nil means none
}

// Webhook answers admission reviews.
type Webhook struct {
	config  Config
	rules   *Rules
	metrics *metrics
	bodies  sync.Pool
}

// New checks the settings, and registers the metrics.
func New(c Config) (*Webhook, error) {
	if c.Accounts == nil {
		return nil, errors.New("webhook: nothing to read service accounts from")
	}
	rules, err := NewRules(c.Settings)
	if err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Version == nil {
		c.Version = func() Version { return Version{} }
	}
	if c.Jitter == nil {
		c.Jitter = func() int64 { return rand.Int64N(maxJitter + 1) }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, err
	}
	return &Webhook{config: c, rules: rules, metrics: m, bodies: sync.Pool{New: func() any { return new(buffers) }}}, nil
}

// buffers are what one request reads into and answers from.
type buffers struct {
	in  bytes.Buffer
	out []byte
}

const (
	// maxKept is the largest buffer that is kept for the next request.
	maxKept = 1 << 20
	// maxTrusted is how much room is made for what a client says it will send: every pod can reach this port, and may send nothing.
	maxTrusted = 64 << 10
)

// Handler serves PathMutate, PathRequired and PathHealth.
func (w *Webhook) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(PathMutate, w.metrics.route(PathMutate, w.serve(false)))
	mux.Handle(PathRequired, w.metrics.route(PathRequired, w.serve(true)))
	mux.HandleFunc("GET "+PathHealth, func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "ok") })
	return mux
}

func (w *Webhook) serve(required bool) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			rw.Header().Set("Allow", http.MethodPost)
			http.Error(rw, "admission reviews are sent with POST", http.StatusMethodNotAllowed)
			return
		}
		if content := r.Header.Get("Content-Type"); content != "application/json" {
			if kind, _, err := mime.ParseMediaType(content); err != nil || kind != "application/json" {
				http.Error(rw, "Content-Type must be application/json", http.StatusUnsupportedMediaType)
				return
			}
		}
		b := w.bodies.Get().(*buffers)
		defer w.recycle(b)
		if r.ContentLength > 0 {
			b.in.Grow(int(min(r.ContentLength, maxTrusted)) + bytes.MinRead)
		}
		if _, err := b.in.ReadFrom(http.MaxBytesReader(rw, r.Body, maxBody)); err != nil {
			if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
				http.Error(rw, "the review is larger than 8 MiB", http.StatusRequestEntityTooLarge)
				return
			}
			http.Error(rw, "the review was cut off", http.StatusBadRequest)
			return
		}
		review, err := ReadReview(b.in.Bytes())
		if err != nil {
			w.metrics.malformed.Inc()
			w.config.Log.WarnContext(r.Context(), "admission review refused", "err", err, "remote", r.RemoteAddr)
			http.Error(rw, printable(clip(err.Error(), 500)), http.StatusBadRequest)
			return
		}
		verdict := w.Review(r.Context(), review, required)
		b.out = appendAnswer(b.out[:0], review, &verdict)
		rw.Header()["Content-Type"] = jsonContent
		_, _ = rw.Write(b.out)
	}
}

var jsonContent = []string{"application/json"}

func (w *Webhook) recycle(b *buffers) {
	if b.in.Cap() > maxKept || cap(b.out) > maxKept {
		return
	}
	b.in.Reset()
	w.bodies.Put(b)
}
