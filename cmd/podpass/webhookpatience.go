package main

import (
	"net/http"
	"time"
)

const (
	// kept is how long a connection is kept that nothing comes on, a new one as one that was used: longer than the 90 s after which the API server lets
	// go of it.
	kept = 5 * time.Minute
	// sending is how long one may take to send a review, once its header is there; who takes longer is not an API server.
	sending = 15 * time.Second
)

// patient is a server that leaves it to the API server to close connections. That one dials more of them in a burst than it then needs, has those lie
// ready, and sends a review once: closed just then, it is a pod admitted without its identity. So the time for the first request does not begin with
// the connection, as net/http's own ReadTimeout and a short ReadHeaderTimeout would have it.
func patient(next http.Handler) *http.Server {
	return &http.Server{
		ReadHeaderTimeout: kept, IdleTimeout: kept, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 32 << 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(sending)) // connections of net/http can
			next.ServeHTTP(w, r)
		}),
	}
}
