package agent

import (
	"errors"
	"fmt"
	"sync"

	"github.com/podpass/podpass/identity"
)

// readiness is what Ready goes by.
type readiness struct {
	begun chan struct{} // closed when Run has begun
	begin sync.Once

	mu       sync.Mutex
	running  int
	services [2]struct { // by kind
		proven  bool   // it has answered, whatever it said
		trouble *Error // of the last call, until one is answered
	}
}

// kind is what is behind: each has an endpoint and an identity of its own to be wrong about.
type kind int

const (
	associations kind = iota
	namedRoles
)

func kindOf(role identity.ARN) kind {
	if role.IsZero() {
		return associations
	}
	return namedRoles
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
func (r *readiness) answered(k kind, err *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.services[k]
	if err == nil || err.Final() {
		s.proven, s.trouble = true, nil
	} else if !s.proven {
		s.trouble = err
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
	if r.running == 0 {
		return errors.New("agent is not running")
	}
	for _, s := range r.services {
		if s.trouble != nil {
			return fmt.Errorf("the service behind the agent has not answered yet: %s", firstLine(s.trouble))
		}
	}
	return nil
}
