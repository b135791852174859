package guard

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	leading  prometheus.Gauge
	accounts prometheus.Gauge
	leftOut  *prometheus.GaugeVec
	writes   *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		leading:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "podpass_webhook_guard_leading", Help: "1 where this replica keeps the lists of accounts."}),
		accounts: prometheus.NewGauge(prometheus.GaugeOpts{Name: "podpass_webhook_guard_accounts", Help: "Service accounts whose pods must not start without credentials, as this replica knows them."}),
		leftOut: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "podpass_webhook_guard_left_out",
			Help: "Of these the accounts that are on no list because the namespace's ConfigMap has no room for them.",
		}, []string{"namespace"}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "podpass_webhook_guard_writes_total",
			Help: "Writes of ConfigMaps by what became of them: done, conflict, failed.",
		}, []string{"configmap", "result"}),
	}
	if registerer == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.leading, m.accounts, m.leftOut, m.writes} {
		errs = append(errs, registerer.Register(c))
	}
	return m, errors.Join(errs...)
}
