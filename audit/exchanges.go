package audit

import (
	"container/list"
	"slices"
	"sync"
	"time"
)

// What is remembered of exchanges: so many of each of the service accounts that were heard of last, and of a reason no more than fits a screen.
const (
	exchangesEach    = 10
	exchangeAccounts = 2000
	maxReason        = 1000 // bytes
)

// Exchange is what became of one request for credentials of a service account.
type Exchange struct {
	Time                                                            time.Time
	Outcome                                                         Outcome
	RequestID, Action, Code, Reason, Pod, Role, Statement, Endpoint string
}

// workload is a service account of a registered cluster.
type workload struct{ cluster, namespace, serviceAccount string }

// exchanges remembers the latest of each service account. The zero value is ready.
type exchanges struct {
	mu       sync.Mutex
	accounts map[workload]*list.Element // of latest
	latest   list.List                  // of *accountExchanges, the one heard of last in front
}

type accountExchanges struct {
	of   workload
	ring []Exchange // oldest at at, once it is full
	at   int
}

// exchangeOf is the service account an event tells of. The event names one only where a token or a call said so that was found authentic, and its cluster
// only where the token's issuer is a registered one.
func exchangeOf(e *Event) (workload, bool) {
	w := workload{e.Cluster, e.Namespace, e.ServiceAccount}
	exchange := e.Action == "AssumeRoleWithWebIdentity" || e.Action == "AssumeRoleForPodIdentity"
	return w, exchange && w.cluster != "" && w.namespace != "" && w.serviceAccount != ""
}

func (x *exchanges) add(e *Event) {
	of, ok := exchangeOf(e)
	if !ok {
		return
	}
	exchange := Exchange{
		Time: e.Time, Outcome: e.Outcome, RequestID: e.RequestID, Action: e.Action, Code: e.Code, Reason: e.Reason[:min(len(e.Reason), maxReason)],
		Pod: e.Pod, Role: e.Role, Statement: e.Statement, Endpoint: e.Endpoint,
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	element, known := x.accounts[of]
	if known {
		x.latest.MoveToFront(element)
	} else {
		element = x.admit(of)
	}
	account := element.Value.(*accountExchanges)
	if len(account.ring) < exchangesEach {
		account.ring = append(account.ring, exchange)
		return
	}
	account.ring[account.at] = exchange
	account.at = (account.at + 1) % exchangesEach
}

// admit makes room for a service account; x.mu is held.
func (x *exchanges) admit(of workload) *list.Element {
	if x.accounts == nil {
		x.accounts = make(map[workload]*list.Element)
	}
	if len(x.accounts) >= exchangeAccounts {
		oldest := x.latest.Back()
		delete(x.accounts, oldest.Value.(*accountExchanges).of)
		x.latest.Remove(oldest)
	}
	element := x.latest.PushFront(&accountExchanges{of: of})
	x.accounts[of] = element
	return element
}

func (x *exchanges) of(w workload) []Exchange {
	x.mu.Lock()
	defer x.mu.Unlock()
	element, ok := x.accounts[w]
	if !ok {
		return nil
	}
	account := element.Value.(*accountExchanges)
	out := slices.Concat(account.ring[account.at:], account.ring[:account.at])
	slices.Reverse(out)
	return out
}
