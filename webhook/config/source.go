package config

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// source is the last good of what a configuration has said.
type source[T any] struct {
	name   string // of metrics and logs
	parse  func([]byte) (*table[T], error)
	log    *slog.Logger
	failed prometheus.Counter

	mu     sync.RWMutex
	good   *table[T]
	bad    error         // of what it says now; nil: that is good
	synced bool          // it was looked at
	change chan struct{} // closed, and made anew, when good has changed
}

func newSource[T any](name string, parse func([]byte) (*table[T], error), log *slog.Logger, registry prometheus.Registerer) (*source[T], error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	labels := prometheus.Labels{"source": name}
	s := &source[T]{change: make(chan struct{}), name: name, parse: parse, log: log, failed: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "podpass_webhook_config_errors_total", Help: "Times a configuration could not be read or understood; the last good one stays.", ConstLabels: labels,
	})}
	if registry == nil {
		return s, nil
	}
	return s, errors.Join(registry.Register(s.failed), registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "podpass_webhook_config_entries", Help: "Entries of a configuration that are in effect.", ConstLabels: labels,
	}, func() float64 {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return float64(s.good.len())
	})))
}

// take makes a text what is in effect, if it can be understood. absent says that there is none.
func (s *source[T]) take(text []byte) {
	read, err := s.parse(text)
	s.settle(read, err)
}

// settle notes what a look at the configuration gave: a table, or why there is none.
func (s *source[T]) settle(read *table[T], err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.bad
	s.synced, s.bad = true, err
	if err != nil {
		s.failed.Inc()
		if before == nil || before.Error() != err.Error() { // once, not with every look
			s.log.Error("a configuration is left out of account; the last good one stays in effect", "source", s.name, "error", err, "entries", s.good.len())
		}
		return
	}
	s.good = read
	close(s.change)
	s.change = make(chan struct{})
	s.log.Info("configuration in effect", "source", s.name, "entries", read.len())
}

func (s *source[T]) find(namespace, name string) (T, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.good.find(namespace, name)
}

// Changed returns a channel that is closed when other entries are in effect. Get it before you look.
func (s *source[T]) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.change
}

// Entries are those in effect, by NAMESPACE/NAME.
func (s *source[T]) Entries() map[string]T {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.good.entries()
}

func (s *source[T]) ready() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.synced {
		return errors.New(s.name + " has not been read yet")
	}
	return nil
}
