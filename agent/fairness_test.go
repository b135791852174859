package agent_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/agent"
)

// at is an address of a pod of the node.
func at(n int) func(*http.Request) { return from(fmt.Sprintf("10.0.0.%d:4711", n)) }

// flood sends so many different forged tokens from one address. Each call of the backend takes its time.
func (w *world) flood(n int, address func(*http.Request)) (done *sync.WaitGroup) {
	w.t.Helper()
	done = &sync.WaitGroup{}
	for i := range n {
		forged := sign(w.t, foreignKey(), podOf(1000+i).claims(time.Now()))
		done.Go(func() { w.fetch(forged, address) })
	}
	synctest.Wait()
	return done
}

// A pod that floods an agent without keys with tokens, which only the backend can tell from good ones, makes itself wait and not the others.
func TestFloodIsItsOwnLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, withoutKeys, func(c *agent.Config) { c.MaxInFlight, c.MaxCache = 4, 100 })
		w.backend.set(func(ctx context.Context, r agent.Request) (*agent.Credentials, error) {
			time.Sleep(time.Second)
			if r.Claims.Kubernetes.Pod != web.name && r.Claims.Kubernetes.Pod != podOf(2).name {
				return nil, &agent.Error{Status: 400, Code: "InvalidTokenException"}
			}
			return nil, nil
		})
		flood := w.flood(90, at(66))
		var pods sync.WaitGroup
		for i, p := range []pod{web, podOf(2)} {
			pods.Go(func() {
				if r := w.fetch(p.token(t), at(1+i)); r.status != 200 || r.took > 3*time.Second {
					t.Errorf("%s: %d after %v", p.name, r.status, r.took)
				}
			})
		}
		pods.Wait()
		flood.Wait()
		time.Sleep(time.Minute) // for the flights that nobody waits for any more
	})
}

// Nor does it take the last place in the queue from them.
func TestFloodLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, withoutKeys, func(c *agent.Config) { c.MaxInFlight, c.MaxCache = 4, 50 })
		w.backend.set(after(time.Second))
		flood := w.flood(200, at(66))
		if r := w.fetch(web.token(t), at(1)); r.status != 200 || r.took > 3*time.Second {
			t.Errorf("%d after %v: %s", r.status, r.took, r.body)
		}
		flood.Wait()
		time.Sleep(time.Minute)
		if calls := w.backend.called(); calls > 60 {
			t.Errorf("%d calls of the backend, where 50 may wait", calls)
		}
	})
}

// Those who have credentials that want renewing are not behind it either.
func TestFloodDoesNotHoldUpKnownPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, withoutKeys, func(c *agent.Config) { c.MaxInFlight, c.MaxCache = 4, 100 })
		raw := web.token(t)
		w.mustFetch(raw, 1)
		w.backend.set(after(400 * time.Millisecond))
		flood := w.flood(90, at(66))
		w.AssociationChanged("shop", "web", true)
		if r := w.fetch(raw, at(66)); r.status != 200 || r.took > time.Second { // though it comes from the same address
			t.Errorf("%d after %v", r.status, r.took)
		}
		flood.Wait()
		time.Sleep(time.Minute) // for the flights that nobody waits for any more
	})
}
