package main

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// departure lets the API server go elsewhere without losing a review. It speaks HTTP/1.1 to webhooks, keeps its connections, and does not send a POST
// again: a connection that is closed while a review is on its way is a pod admitted without its identity. So none is closed under it. From
// the signal on each answer asks for the connection to be closed, which the client does, and connections it does not use any more are left for
// it to close, which it does sooner than we would (after 90 s; drainTimeout is the bound for what is hardly ever chosen again).
type departure struct {
	leaving *atomic.Bool
	open    atomic.Int64 // connections
}

// handler asks the client to close the connection of every answer, once that is wanted.
func (d *departure) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// count is http.Server's ConnState.
func (d *departure) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		d.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// wait returns when the client has closed its connections, or with the context.
func (d *departure) wait(ctx context.Context) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for d.open.Load() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}
