package handover

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server serves HTTP and can stop without dropping a request. http.Server.Shutdown alone cannot: a request it reads after it has begun to shut
// down, on a connection accepted before, is thrown away unanswered.
type Server struct {
	http    *http.Server
	serving sync.WaitGroup

	mu        sync.Mutex
	stopped   bool
	listeners []net.Listener
	busy      map[net.Conn]time.Time // connections that are in a request, or have sent none yet: since when
	calm      chan struct{}          // closed and renewed when busy gets less
}

// silent is how long a connection may have said nothing before nothing is expected of it, as http.Server.Shutdown has it.
const silent = 5 * time.Second

// NewServer takes over the server's ConnState.
func NewServer(h *http.Server) *Server {
	s := &Server{http: h, busy: map[net.Conn]time.Time{}, calm: make(chan struct{})}
	h.ConnState = s.connState
	return s
}

func (s *Server) connState(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.busy[c] = time.Now()
	case http.StateActive:
		s.busy[c] = time.Time{}
	default:
		delete(s.busy, c)
		close(s.calm)
		s.calm = make(chan struct{})
	}
}

// Serve accepts until Stop, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return l.Close()
	}
	s.listeners = append(s.listeners, l)
	s.serving.Add(1)
	s.mu.Unlock()
	defer s.serving.Done()
	err := s.http.Serve(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped && (errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed)) {
		return nil
	}
	return err
}

// Stop accepts no more. Connections in the kernel's queues stay there, for whoever else has the sockets.
func (s *Server) Stop() {
	s.mu.Lock()
	s.stopped = true
	for _, l := range s.listeners {
		l.Close() // an error says only that it was closed before
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// Drain, after Stop, returns when every request that was begun, or that a connection was opened for, is answered. What is under way when the
// context ends is cut off.
func (s *Server) Drain(ctx context.Context) error {
	s.http.SetKeepAlivesEnabled(false)
	for {
		calmer, next, left := s.waitedFor()
		if !left {
			return s.http.Shutdown(ctx)
		}
		timer := time.NewTimer(next)
		select {
		case <-calmer:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(ctx.Err(), s.http.Close())
		}
		timer.Stop()
	}
}

// waitedFor reports whether a connection is waited for, what tells that there may be fewer, and when to look again at those that say nothing.
func (s *Server) waitedFor() (calmer <-chan struct{}, again time.Duration, left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again = silent
	for _, since := range s.busy {
		quiet := time.Since(since)
		switch {
		case since.IsZero():
			left = true
		case quiet < silent:
			left, again = true, min(again, silent-quiet)
		}
	}
	return s.calm, again, left
}
