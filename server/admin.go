package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/store"
)

// metrics counts what the audit events say.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(st *store.Store) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "podpass_requests_total", Help: "Requests answered, by service, action, outcome and AWS error code.",
		}, []string{"service", "action", "outcome", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "podpass_request_duration_seconds", Help: "Time to decide a request.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1},
		}, []string{"service"}),
	}
	stale := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "podpass_store_stale", Help: "1 while this replica's state may be out of date and requests are refused.",
	}, func() float64 {
		if st.Check() != nil {
			return 1
		}
		return 0
	})
	m.registry.MustRegister(m.requests, m.seconds, stale, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(e audit.Event, _ int, took time.Duration) {
	// An action nobody offers is a caller's free text, and must not become a label; nor where the event that would say so could not be written.
	switch e.Code {
	case "InvalidAction", "UnknownOperationException", "ServiceUnavailable", "ServiceUnavailableException":
		e.Action = "unknown"
	}
	m.requests.WithLabelValues(e.Service, e.Action, string(e.Outcome), e.Code).Inc()
	if !e.Routine { // such a request takes as long as nothing happens
		m.seconds.WithLabelValues(e.Service).Observe(took.Seconds())
	}
}

// adminHandler is the second port: alive, ready, and what is counted. It holds nothing secret and changes nothing.
func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.ready(); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// ready says what keeps requests from being served here.
func (s *Server) ready() error {
	if s.leaving.Load() {
		return errors.New("the server is about to end")
	}
	return errors.Join(s.store.Check(), s.config.Ready())
}
