package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// webhookBallast is memory that is never touched, and so costs none, but counts as live: a review allocates ten kilobytes, and at ten thousand a second a
// small heap that is collected whenever it has doubled is collected all the time. A percentage large enough for that would let one with the accounts
// of a large cluster in it take many times their size.
const webhookBallast = 16 << 20

// webhookStreams is how many reviews one connection of the API server carries at a time. Where they do not suffice it opens another.
const webhookStreams = 1000

// serveWebhook runs a webhook until SIGINT or SIGTERM; a second one ends the process at once.
func (a *app) serveWebhook(ctx context.Context, p *webhookPlan) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	untouched := make([]byte, webhookBallast)
	defer runtime.KeepAlive(untouched)
	giveBackProgram() // what the packages of other commands have read of it
	context.AfterFunc(ctx, func() {
		stop() // the second signal does what it does to any process
		p.log.Info("stopping when the API server has gone elsewhere; interrupt again to stop at once", "delay", p.shutdownDelay)
	})
	return p.run(ctx, func(url string) error {
		giveBackProgram() // and what starting has
		_, err := fmt.Fprintln(a.Out, "ready", url)
		return err
	})
}

// run serves what was planned. ready is called with the URL of the reviews when they can be answered.
func (p *webhookPlan) run(ctx context.Context, ready func(url string) error) error {
	s, err := p.build()
	if err != nil {
		return err
	}
	listeners, err := p.open()
	if err != nil {
		return err
	}
	// What the answers are made of goes on while the last reviews are answered; the guard's work another replica can take up at once.
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	defer group.Wait()
	defer end()
	s.start(ctx, working, &group)

	going := &departure{leaving: &s.leaving}
	reviews := p.reviews(s, going)
	failures := make(chan error, 2)
	group.Go(func() { failures <- ended(reviews.ServeTLS(listeners[0], "", "")) })
	if p.metrics != "" {
		metrics := &http.Server{Handler: p.admin(s), ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, ErrorLog: debugLog(p.log)}
		group.Go(func() { failures <- ended(metrics.Serve(listeners[1])) })
		defer metrics.Close()
	}
	defer reviews.Close()

	readiness := time.NewTicker(20 * time.Millisecond)
	defer readiness.Stop()
	announced := false
	for {
		select {
		case err := <-failures:
			return err
		case <-ctx.Done():
			s.leaving.Store(true)
			return p.drain(reviews, going, failures)
		case <-readiness.C:
			if announced || s.ready() != nil {
				continue
			}
			announced = true
			readiness.Stop()
			p.log.Info("ready", "address", listeners[0].Addr().String())
			if err := ready("https://" + listeners[0].Addr().String()); err != nil {
				return err
			}
		}
	}
}

func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving: %w", err)
}

// drain answers reviews until whoever sends them has heard that this webhook leaves, and has closed its connections.
func (p *webhookPlan) drain(reviews *http.Server, going *departure, failures <-chan error) error {
	delay := time.NewTimer(p.shutdownDelay)
	defer delay.Stop()
	select {
	case err := <-failures:
		return err
	case <-delay.C:
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if p.shutdownDelay > 0 { // or it is to end at once
		going.wait(ctx)
	}
	ctx, cancel = context.WithTimeout(context.Background(), reviewTimeout)
	defer cancel()
	if err := reviews.Shutdown(ctx); err != nil {
		p.log.Warn("reviews were cut off", "error", err)
	}
	return nil
}

// open gets both listeners, or neither.
func (p *webhookPlan) open() (listeners []net.Listener, err error) {
	for _, address := range []string{p.listen, p.metrics} {
		if address == "" {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			for _, opened := range listeners {
				opened.Close()
			}
			return nil, explainWebhookListen(address, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func explainWebhookListen(address string, err error) error {
	_, port, _ := net.SplitHostPort(address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return failed(fmt.Sprintf("ss -ltnp 'sport = :%s'   # who has it; or take another --port or --metrics-port", port), "%s is in use by another process", address)
	case errors.Is(err, syscall.EACCES):
		return failed("podpass webhook --port 8443   # with the Service's targetPort; or the capability NET_BIND_SERVICE", "not permitted to listen at port %s", port)
	}
	return failed("ip address", "%w", err)
}

// reviewTimeout is what the API server allows a review.
const reviewTimeout = 5 * time.Second

// reviews is the server the API server calls.
func (p *webhookPlan) reviews(s *webhookParts, going *departure) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/", s.webhook.Handler())
	mux.HandleFunc("GET /readyz", s.serveReady)
	server := patient(going.handler(mux))
	server.ConnState, server.TLSConfig, server.ErrorLog = going.count, p.serverTLS(s.certificates), debugLog(p.log)
	server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: webhookStreams}
	return server
}

func (p *webhookPlan) admin(s *webhookParts) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{}))
	if p.debugging {
		s.debug(mux)
	}
	return mux
}
