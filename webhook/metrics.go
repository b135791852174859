package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the EKS webhook's under their own names, so that its dashboards go on working, and ours by reason.
type metrics struct {
	used            prometheus.Gauge
	pods            [4]prometheus.Counter // by Mechanism; None is not counted
	missingAccounts prometheus.Counter
	requests        *prometheus.CounterVec
	latencies       *prometheus.HistogramVec
	durations       *prometheus.SummaryVec

	decisions map[Reason]prometheus.Counter
	findings  map[Reason]prometheus.Counter
	seconds   *prometheus.HistogramVec
	malformed prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	podCount := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pod_identity_webhook_pod_count", Help: "Pods given an identity, by method.",
	}, []string{"method"})
	decisions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "podpass_webhook_decisions_total", Help: "Pods reviewed, by the reason of the decision.",
	}, []string{"reason"})
	findings := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "podpass_webhook_findings_total", Help: "Oddities of reviewed pods and their accounts, by reason.",
	}, []string{"reason"})
	m := &metrics{
		used:            prometheus.NewGauge(prometheus.GaugeOpts{Name: "pod_identity_webhook_used", Help: "1 once an identity has been given to a pod."}),
		missingAccounts: prometheus.NewCounter(prometheus.CounterOpts{Name: "pod_identity_webhook_missing_sa_count", Help: "Reviews of pods whose service account does not exist."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_request_count", Help: "Requests by verb, path and status.",
		}, []string{"verb", "path", "code"}),
		latencies: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_latencies", Help: "Time to answer, in microseconds, by verb and path.",
			Buckets: prometheus.ExponentialBuckets(125000, 2, 7), // the EKS webhook's: 125 ms to 8 s
		}, []string{"verb", "path"}),
		durations: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Name: "http_request_duration_microseconds", Help: "Number and sum of times to answer, in microseconds, by verb and path.",
		}, []string{"verb", "path"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "podpass_webhook_review_seconds", Help: "Time to answer a review, lookups included, by path.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5},
		}, []string{"path"}),
		malformed: prometheus.NewCounter(prometheus.CounterOpts{Name: "podpass_webhook_malformed_total", Help: "Reviews that could not be read."}),
		decisions: make(map[Reason]prometheus.Counter), findings: make(map[Reason]prometheus.Counter),
	}
	m.pods[IRSA] = podCount.WithLabelValues("sts_web_identity")
	m.pods[PodIdentity] = podCount.WithLabelValues("container_credentials")
	m.pods[IRSAByAgent] = podCount.WithLabelValues("container_credentials")
	for _, reason := range Reasons() {
		m.decisions[reason] = decisions.WithLabelValues(string(reason))
		m.findings[reason] = findings.WithLabelValues(string(reason))
	}
	if r == nil {
		return m, nil
	}
	var mistakes []error
	for _, c := range []prometheus.Collector{
		m.used, podCount, m.missingAccounts, m.requests, m.latencies, m.durations, decisions, findings, m.seconds, m.malformed,
	} {
		mistakes = append(mistakes, r.Register(c))
	}
	return m, errors.Join(mistakes...)
}

func (m *metrics) decided(d *Decision) {
	m.decisions[d.Reason].Inc()
	for _, f := range d.Findings {
		m.findings[f.Reason].Inc()
	}
	if !d.Empty() {
		m.used.Set(1)
		m.pods[d.Mechanism].Inc()
	}
}

// route counts what a path is asked. Its verbs are few and known, those of others count as one: a caller must not make series.
func (m *metrics) route(path string, next http.Handler) http.Handler {
	latency, duration := m.latencies.WithLabelValues(http.MethodPost, path), m.durations.WithLabelValues(http.MethodPost, path)
	ok, seconds := m.requests.WithLabelValues(http.MethodPost, path, "200"), m.seconds.WithLabelValues(path)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s := statusWriter{ResponseWriter: rw, status: http.StatusOK}
		next.ServeHTTP(&s, r)
		took := time.Since(start)
		if r.Method == http.MethodPost && s.status == http.StatusOK {
			ok.Inc()
			latency.Observe(float64(took.Microseconds()))
			duration.Observe(float64(took.Microseconds()))
			seconds.Observe(took.Seconds())
			return
		}
		verb := "other"
		if r.Method == http.MethodGet || r.Method == http.MethodPost {
			verb = r.Method
		}
		m.requests.WithLabelValues(verb, path, strconv.Itoa(s.status)).Inc()
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
