package upstream

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Endpoints are the places where one service answers, the preferred one first, with what is known of their health. Safe for concurrent use.
type Endpoints struct {
	list   []Endpoint
	budget time.Duration
	now    func() time.Time
	health health
}

// Options of Endpoints. The zero value is good.
type Options struct {
	// Budget is how long a call may take whose context doesn't say. Default 5 s.
	Budget time.Duration
	// Now is the clock of pauses, signatures and expiry. Default time.Now.
	Now func() time.Time
}

const defaultBudget = 5 * time.Second

// NewEndpoints makes the list's state. It must not be empty.
func NewEndpoints(list []Endpoint, o Options) *Endpoints {
	if o.Budget <= 0 {
		o.Budget = defaultBudget
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Endpoints{
		list: append([]Endpoint(nil), list...), budget: o.Budget, now: o.Now, health: health{now: o.Now, state: make([]condition, len(list))},
	}
}

// Do asks one endpoint after the other, each at most once, until one answers, and says which did. A nil error of ask is an answer and so is
// a refusal, an *Error that isn't temporary. NoAnswer, a temporary *Error and a time-out lead to the next endpoint. Any other error is the
// caller's own, and ends the call. Where no endpoint answered the error is an *Unavailable.
//
// The context's deadline, or the budget, is shared out: an endpoint that is connected and silent gets only its part while others remain.
func (e *Endpoints) Do(ctx context.Context, ask func(context.Context, Endpoint) error) (Endpoint, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.budget)
		defer cancel()
	}
	gone := new(Unavailable)
	asked := make([]bool, len(e.list))
	for range e.list {
		if ctx.Err() != nil {
			break
		}
		t := e.health.next(asked)
		asked[t.index] = true
		endpoint := e.list[t.index]
		err := e.ask(ctx, t, ask)
		if !unanswered(err) {
			return endpoint, err
		}
		gone.Attempts = append(gone.Attempts, Attempt{endpoint, err})
	}
	if gone.cause = ctx.Err(); gone.cause == nil {
		if deadline, _ := ctx.Deadline(); !time.Now().Before(deadline) { // its timer may be a moment behind the last turn's
			gone.cause = context.DeadlineExceeded
		}
	}
	return Endpoint{}, gone
}

// patience is how long a caller that hangs up must have waited for an endpoint for its silence to count against it. A client that gives a
// whole exchange one second (the EKS agent) would otherwise never let a silent endpoint be found out.
const patience = 500 * time.Millisecond

// ask gives one endpoint its turn and settles what it means. The budget is of the runtime's clock, as contexts are.
func (e *Endpoints) ask(ctx context.Context, t turn, ask func(context.Context, Endpoint) error) (err error) {
	deadline, _ := ctx.Deadline()
	share := time.Until(deadline) * time.Duration(t.part) / time.Duration(t.parts)
	attempt, cancel := context.WithTimeout(withDialTimeout(ctx, t.part < t.parts), share)
	defer cancel()
	began := time.Now()
	v := unknown
	defer func() { e.health.settle(t, v) }() // whatever happens: a trial must not stay claimed
	err = ask(attempt, e.list[t.index])
	var answer *Error
	switch {
	case err == nil, errors.As(err, &answer) && !answer.Temporary():
		v = answered
	case answer != nil:
		v = failed
	case errors.Is(ctx.Err(), context.Canceled):
		if err = NoAnswer(errors.New("the caller gave up waiting")); time.Since(began) >= patience {
			v = failed
		}
	case attempt.Err() != nil:
		v, err = failed, NoAnswer(fmt.Errorf("no answer within %v", share.Round(time.Millisecond)))
	case unanswered(err):
		v = failed
	}
	return err
}

// NoAnswer marks an error as an endpoint's silence: it couldn't be reached, or what came back is no answer. It leads Do to the next one.
func NoAnswer(err error) error { return &noAnswer{err} }

type noAnswer struct{ err error }

func (n *noAnswer) Error() string { return n.err.Error() }

func (n *noAnswer) Unwrap() error { return n.err }

func unanswered(err error) bool {
	var answer *Error
	if errors.As(err, &answer) {
		return answer.Temporary()
	}
	var silence *noAnswer
	return errors.As(err, &silence)
}
