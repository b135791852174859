package associations

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics tell whether pods can be sure of their associations.
type metrics struct {
	polls *prometheus.CounterVec
	waits prometheus.Counter
}

func newMetrics(registry prometheus.Registerer, f *Follower) (*metrics, error) {
	m := &metrics{
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "podpass_webhook_association_polls_total", Help: "Requests for changes of associations by what came of them: answered, refused, failed.",
		}, []string{"result"}),
		waits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "podpass_webhook_association_waits_total", Help: "Lookups that met associations which were not current.",
		}),
	}
	if registry == nil {
		return m, nil
	}
	var problems []error
	for _, c := range []prometheus.Collector{
		m.polls, m.waits,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "podpass_webhook_associations_current", Help: "1 while the associations are known to be current.",
		}, func() float64 {
			if f.fresh() {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "podpass_webhook_associations", Help: "Associations known.",
		}, func() float64 {
			f.mu.RLock()
			defer f.mu.RUnlock()
			if f.set == nil {
				return 0
			}
			return float64(f.set.len())
		}),
	} {
		problems = append(problems, registry.Register(c))
	}
	return m, errors.Join(problems...)
}
