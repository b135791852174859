package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/podpass/podpass/agent/handover"
)

// serveAdmin starts probes and metrics where their listeners are there and not yet served.
func (p *agentPlan) serveAdmin(s *agentServers, n *agentNode, taken *handover.Taken) {
	for address, handler := range map[string]http.Handler{p.probe: p.probes(n, taken), p.metrics: p.metricsHandler()} {
		l, ok := taken.Listeners[address]
		switch {
		case address == "" || s.serves(l):
		case ok:
			s.serve(&http.Server{Handler: handler, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, ErrorLog: debugLog(p.log)}, l)
		default:
			p.log.Warn("not served yet", "address", address, "error", taken.Failed[address])
		}
	}
}

func (p *agentPlan) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{}))
	return mux
}

// probes are the kubelet's: alive if the addresses answer, ready if the agent says so too. The addresses are asked directly, whatever proxy the
// environment names.
func (p *agentPlan) probes(n *agentNode, taken *handover.Taken) http.Handler {
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	probe := func(also func() error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			err := also()
			for _, address := range p.addresses {
				if l, ok := taken.Listeners[address]; ok && err == nil {
					err = answersNotFound(r.Context(), client, l.Addr().String())
				}
			}
			if err != nil {
				p.log.Warn("probe failed", "path", r.URL.Path, "error", err)
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			_, _ = w.Write([]byte("ok\n"))
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", probe(func() error { return nil }))
	mux.HandleFunc("GET /readyz", probe(func() error { return n.ready(p) }))
	return mux
}

// answersNotFound asks for a page no agent has.
func answersNotFound(ctx context.Context, client *http.Client, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		return fmt.Errorf("%s answers %s", address, resp.Status)
	}
	return nil
}

// debugLog takes what net/http says of broken connections, which is every client's to cause.
func debugLog(to *slog.Logger) *log.Logger { return slog.NewLogLogger(to.Handler(), slog.LevelDebug) }
