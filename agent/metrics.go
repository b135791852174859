package agent

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the EKS agent's, under its names, and ours. No label takes a value from outside that could be any of very many.
type metrics struct {
	responses *prometheus.CounterVec // EKS's
	errors    *prometheus.CounterVec // EKS's: what made credentials leave the cache
	state     *prometheus.CounterVec // EKS's: what the cache did

	fetches  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	seconds  prometheus.Histogram
	renewals prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, a *Agent) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			a.mu.Lock()
			defer a.mu.Unlock()
			return float64(value())
		})
	}
	m := &metrics{
		responses: counter("pod_identity_http_response", "HTTP responses by status code.", "code"),
		errors:    counter("pod_identity_cache_errors", "Credentials removed from the cache because the service refused to renew them.", "type", "code"),
		state:     counter("pod_identity_cache_state", "What the cache did: hit, miss, evicted.", "state"),
		fetches:   counter("podpass_agent_fetches_total", "Requests for credentials by how they were answered.", "result"),
		calls:     counter("podpass_agent_backend_calls_total", "Calls of the service behind the agent by what came of them.", "result"),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "podpass_agent_backend_seconds", Help: "Time a call of the service behind the agent took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
		renewals: prometheus.NewCounter(prometheus.CounterOpts{Name: "podpass_agent_renewals_total", Help: "Renewals begun ahead of expiry."}),
	}
	if registerer == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.responses, m.errors, m.state, m.fetches, m.calls, m.seconds, m.renewals,
		gauge("podpass_agent_backend_calls_in_flight", "Calls of the service behind the agent under way.", func() int { return a.running }),
		gauge("podpass_agent_backend_calls_waiting", "Pods whose call waits for its turn.", func() int { return a.queue.size }),
		gauge("podpass_agent_cache_entries", "Pods whose credentials are kept.", func() int { return a.entries.len() }),
	} {
		errs = append(errs, registerer.Register(c))
	}
	return m, errors.Join(errs...)
}

// obtained counts a call of the backend.
func (m *metrics) obtained(err *Error, took time.Duration) {
	result := "obtained"
	if err != nil {
		result = codeLabel(err)
	}
	m.calls.WithLabelValues(result).Inc()
	m.seconds.Observe(took.Seconds())
}

func (m *metrics) evicted(err *Error) {
	m.state.WithLabelValues("evicted").Inc()
	m.errors.WithLabelValues("NonRecoverable", codeLabel(err)).Inc()
}

func (m *metrics) fetched(how outcome) {
	m.fetches.WithLabelValues(string(how)).Inc()
	switch how {
	case hit:
		m.state.WithLabelValues("hit").Inc()
	case miss, renewed:
		m.state.WithLabelValues("miss").Inc()
	}
}

// codeLabel is a code that is one of few.
func codeLabel(err *Error) string {
	switch err.Code {
	case "AccessDeniedException", "ExpiredTokenException", "InvalidTokenException", "ResourceNotFoundException", "InvalidParameterException",
		"InvalidRequestException", "ThrottlingException", "InternalServerException", "ServiceUnavailableException":
		return err.Code
	}
	return "other"
}
