package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/podpass/podpass/token"
)

const (
	// refusalKept is how long a final answer stands: long enough that a pod in a crash loop does not hammer the service, short enough that an
	// association created meanwhile is honoured by an SDK's next try.
	refusalKept = 1500 * time.Millisecond
	// orphanAge is when a flight that waits for its turn is given up if nobody has waited for it since: SDKs come back within it.
	orphanAge = 10 * time.Second
	// retryFetch is when a fetch tries again after a failure while older credentials are still good enough to hand out.
	retryFetch = 10 * time.Second
)

// flight is one call of the backend, for all who wait for it.
type flight struct {
	caller
	key     digest
	number  uint64
	renewal bool
	done    chan struct{} // closed when credentials and err are set

	// under Agent.mu
	waiting int
	wanted  bool      // by a fetch
	left    time.Time // when the last one stopped waiting
	void    bool      // what it brings may be out of date: it is handed to those who waited, and not kept

	credentials *Credentials
	err         *Error
}

// refusal is a final answer.
type refusal struct {
	claim
	err   *Error
	until time.Time
}

// join finds the caller's flight or begins one, and counts the caller among those who wait for it. It needs the lock.
func (a *Agent) join(c *caller) (*flight, *Error) {
	f, ok := a.flights[c.flight()]
	if !ok {
		if a.running >= a.cfg.MaxInFlight && a.queue.size >= a.cfg.MaxCache {
			crowded := unavailable("Too many pods are waiting for credentials",
				fmt.Sprintf("%d pods of this node are waiting for their first credentials: the service behind the agent is slow", a.queue.size))
			other := a.queue.displace(c)
			if other == nil {
				return nil, crowded
			}
			a.drop(other, crowded)
		}
		f = a.begin(c, false)
	}
	f.waiting++
	f.wanted = true
	return f, nil
}

// leave is the end of a wait. It needs the lock.
func (a *Agent) leave(f *flight) {
	f.waiting--
	f.left = a.cfg.Now()
}

// begin starts a flight, or puts it into the queue: goroutines are as many as calls may be in flight. It needs the lock.
func (a *Agent) begin(c *caller, renewal bool) *flight {
	a.flown++
	f := &flight{caller: *c, key: c.flight(), number: a.flown, renewal: renewal, done: make(chan struct{}), left: a.cfg.Now()}
	a.flights[f.key] = f
	if a.running < a.cfg.MaxInFlight {
		a.running++
		go a.fly(f)
	} else {
		a.queue.put(f)
	}
	return f
}

// fly does one flight after another until none is waiting.
func (a *Agent) fly(f *flight) {
	for f != nil {
		began := a.cfg.Now()
		credentials, err := a.obtain(f)
		a.metrics.obtained(err, a.cfg.Now().Sub(began))
		a.readiness.answered(kindOf(f.role), err)
		a.report(f, err)
		f = a.land(f, credentials, err)
	}
}

// obtain asks the backend, in a time of its own: a client that leaves does not end it.
func (a *Agent) obtain(f *flight) (c *Credentials, refused *Error) {
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.ObtainTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			a.cfg.Logger.Error("backend failed", "panic", fmt.Sprint(p))
			c, refused = nil, unavailable("Credentials could not be obtained", "the agent failed; see its log")
		}
	}()
	t, err := token.Parse(f.raw)
	if err != nil {
		return nil, unreadable(err.Error(), err.Error())
	}
	c, err = a.backendFor(f.role).Obtain(ctx, Request{Token: f.raw, Claims: t.Claims, Role: f.role})
	switch e := (*Error)(nil); {
	case errors.As(err, &e):
		return nil, e
	case err != nil:
		return nil, unavailable("Credentials could not be obtained", "the service behind the agent gave no answer: "+err.Error())
	case c.Expiration.Sub(a.cfg.Now()) <= leastLife:
		return nil, unavailable("Credentials could not be obtained", "the service behind the agent gave credentials that expire at "+
			c.Expiration.UTC().Format(time.RFC3339)+"; is this node's clock right?")
	}
	return c, nil
}

// unavailable is what the agent says where no service has answered.
func unavailable(message, reason string) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailableException", Message: message, Reason: reason}
}

// land keeps what a flight has brought, wakes those who wait for it, and finds the next flight for its goroutine.
func (a *Agent) land(f *flight, c *Credentials, err *Error) *flight {
	a.mu.Lock()
	defer a.mu.Unlock()
	f.credentials, f.err = c, err
	if a.flights[f.key] == f {
		delete(a.flights, f.key)
	}
	switch {
	case f.void:
	case err == nil:
		a.keep(f)
	case err.Final():
		a.refused.put(f.key, refusal{f.claim, err, a.cfg.Now().Add(refusalKept)})
		if _, ok := a.entries.get(f.slot); ok && f.verified {
			a.entries.remove(f.slot)
			a.metrics.evicted(err)
		}
	case f.verified:
		a.postpone(f)
	}
	close(f.done)
	return a.nextFlight()
}

// postpone says when what has failed is tried again. The renewals wait as the EKS agent's do.
func (a *Agent) postpone(f *flight) {
	if e, ok := a.entries.get(f.slot); ok {
		now := a.cfg.Now()
		e.retry = now.Add(retryFetch)
		if f.renewal {
			e.due = now.Add(time.Minute + a.cfg.Jitter(time.Minute))
		}
	}
}

// keep puts a flight's credentials into the cache, unless a later flight's are there, or the pod was deleted between the caller's admission
// and the flight's beginning.
func (a *Agent) keep(f *flight) {
	if _, gone := a.gone.get(f.podUID); gone {
		return
	}
	a.known.put(f.hash, f.known)
	if !f.verified && a.overRoles(&f.claim) != nil { // nobody knew whose it was before
		return
	}
	old, had := a.entries.get(f.slot)
	if had && old.flown > f.number {
		return
	}
	e := &entry{claim: f.claim, token: f.raw, credentials: f.credentials, issued: a.cfg.Now(), asked: f.wanted, flown: f.number}
	if had && old.expiry.After(e.expiry) {
		e.token, e.expiry, e.signer = old.token, old.expiry, old.signer
	}
	e.schedule(a.cfg.MaxRetention, a.cfg.Jitter)
	if a.entries.put(f.slot, e) {
		a.metrics.state.WithLabelValues("evicted").Inc()
	}
	if e.due.Sub(e.issued) < sweepEvery {
		a.poke()
	}
}

// nextFlight takes the flight whose turn it is, and gives up those that nobody waits for any more.
func (a *Agent) nextFlight() *flight {
	for f := a.queue.take(); f != nil; f = a.queue.take() {
		if f.waiting > 0 || a.cfg.Now().Sub(f.left) < orphanAge {
			return f
		}
		a.drop(f, unavailable("Nobody waited for the credentials any more", "the request was given up"))
	}
	a.running--
	return nil
}

// drop gives up a flight that is in the queue no more and was never begun. It needs the lock.
func (a *Agent) drop(f *flight, why *Error) {
	f.err = why
	if a.flights[f.key] == f {
		delete(a.flights, f.key)
	}
	close(f.done)
}

// report logs what a flight has come to, without a word of the token or the credentials.
func (a *Agent) report(f *flight, err *Error) {
	log := a.cfg.Logger.With("pod", f.podUID, "serviceAccount", f.account.String(), "renewal", f.renewal, "verified", f.verified)
	if !f.role.IsZero() {
		log = log.With("role", f.role.String())
	}
	switch {
	case err == nil:
		log.Debug("credentials obtained")
	case err.Final():
		log.Info("credentials refused", "code", err.Code, "reason", oneLine(err.Reason), "requestId", oneLine(err.RequestID))
	default:
		log.Warn("credentials not obtained", "code", err.Code, "status", err.Status, "reason", oneLine(err.Reason), "requestId", oneLine(err.RequestID))
	}
}
