package agent

import (
	"errors"
	"fmt"
	"sync"
)

// readiness is what Ready goes by.
type readiness struct {
	begun chan struct{} // closed when Run has begun
	begin sync.Once

	mu      sync.Mutex
	running int
	proven  bool   // a service has answered, whatever it said
	trouble *Error // of the last call, until one is answered
}

func (r *readiness) started() {
	r.add(1)
	r.begin.Do(func() { close(r.begun) })
}

func (r *readiness) stopped() { r.add(-1) }

func (r *readiness) add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running += n
}

// answered takes note of what a call has come to.
func (r *readiness) answered(err *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil || err.Final() {
		r.proven, r.trouble = true, nil
	} else if !r.proven {
		r.trouble = err
	}
}

// Running is closed when Run has begun: from then on nothing but the service behind can keep the agent from being ready.
func (a *Agent) Running() <-chan struct{} { return a.readiness.begun }

// Ready says why the agent is not: it doesn't run, or it has called its backend and never had an answer about a pod (so it may have been given a
// wrong endpoint, or credentials nobody takes). Once it has had one it stays ready: through an outage it serves what it has, and taking it
// out of service would take that away as well. Whether anything listens is the caller's to know.
func (a *Agent) Ready() error {
	r := &a.readiness
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.running == 0:
		return errors.New("agent is not running")
	case r.trouble != nil:
		return fmt.Errorf("the service behind the agent has not answered yet: %s", firstLine(r.trouble))
	}
	return nil
}
