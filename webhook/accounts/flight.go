package accounts

import (
	"context"
	"sync"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/webhook"
)

// flights is the last batch of each account that is being read.
type flights struct {
	mu   sync.Mutex
	last map[identity.ServiceAccount]*batch
}

// batch is one GET and the calls that it answers: those that came before it was sent.
type batch struct {
	sent    bool          // under flights.mu
	done    chan struct{} // closed when account and err are final
	account webhook.Account
	err     error
}

// join adds a call to the batch of the account that has not been sent, and makes one where there is none.
func (r *Reader) join(account identity.ServiceAccount) *batch {
	r.flights.mu.Lock()
	defer r.flights.mu.Unlock()
	before := r.flights.last[account]
	if before != nil && !before.sent {
		return before
	}
	b := &batch{done: make(chan struct{})}
	if r.flights.last == nil {
		r.flights.last = map[identity.ServiceAccount]*batch{}
	}
	r.flights.last[account] = b
	go r.fly(account, b, before)
	return b
}

// fly waits for the GET before, unless that one is lost, closes the batch, and sends its own. The calls of a batch have contexts of their own, none of
// which must end the others': it has a time-out instead.
func (r *Reader) fly(account identity.ServiceAccount, b, before *batch) {
	if before != nil {
		slow := time.NewTimer(r.options.Slow)
		select {
		case <-before.done:
		case <-slow.C:
		}
		slow.Stop()
	}
	r.flights.mu.Lock()
	b.sent = true
	r.flights.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), r.options.Timeout)
	defer cancel()
	b.account, b.err = r.read(ctx, account)

	r.flights.mu.Lock()
	if r.flights.last[account] == b {
		delete(r.flights.last, account)
	}
	r.flights.mu.Unlock()
	close(b.done)
}
