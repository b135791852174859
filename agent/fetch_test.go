package agent_test

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/agent"
)

func TestSimultaneousFirstRequestsAreOneCall(t *testing.T) {
	for name, keys := range map[string]func(*agent.Config){"with keys": func(*agent.Config) {}, "without keys": withoutKeys} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t, keys)
				w.backend.set(after(30 * time.Millisecond))
				raw := web.token(t)
				var all sync.WaitGroup
				for range 500 {
					all.Go(func() {
						if r := w.fetch(raw); r.status != http.StatusOK || r.took != 30*time.Millisecond {
							t.Errorf("%d after %v", r.status, r.took)
						}
					})
				}
				all.Wait()
				w.mustHaveCalled(1)
				w.mustFetch(raw, 1)
			})
		})
	}
}

// A node that starts 500 pods at once: nobody waits longer than an SDK does, and the service sees no more than 64 at a time.
func TestManyPodsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.backend.set(after(30 * time.Millisecond))
		var all sync.WaitGroup
		for n := range 500 {
			raw := podOf(n).token(t)
			all.Go(func() {
				if r := w.fetch(raw); r.status != http.StatusOK || r.took > 8*30*time.Millisecond {
					t.Errorf("%d after %v", r.status, r.took)
				}
			})
		}
		all.Wait()
		w.mustHaveCalled(500)
		if most := w.backend.mostInFlight(); most != 64 {
			t.Errorf("%d calls at a time", most)
		}
	})
}

// A slow service and SDKs that give up after 2 s and come back, three times: each pod is asked for once, and nothing piles up behind them.
func TestSlowBackend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.backend.set(after(2 * time.Second))
		const pods = 190 // three rounds of 64, which an SDK has the patience for
		before := runtime.NumGoroutine()
		var all sync.WaitGroup
		for n := range pods {
			raw := podOf(n).token(t)
			all.Go(func() {
				for range 3 {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					r := w.fetch(raw, func(r *http.Request) { *r = *r.WithContext(ctx) })
					cancel()
					if r.status == http.StatusOK {
						return
					}
					time.Sleep(time.Second)
				}
				t.Errorf("pod %d was never served", n)
			})
		}
		time.Sleep(2500 * time.Millisecond) // every client has left once and is about to come back
		synctest.Wait()
		if more := runtime.NumGoroutine() - before - pods; more > 64 {
			t.Errorf("%d goroutines beside the clients'", more)
		}
		all.Wait()
		w.mustHaveCalled(pods)
		if most := w.backend.mostInFlight(); most > 64 {
			t.Errorf("%d calls at a time", most)
		}
	})
}

func TestClientThatLeavesDoesNotEndTheFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.backend.set(after(3 * time.Second))
		raw := web.token(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r := w.fetch(raw, func(r *http.Request) { *r = *r.WithContext(ctx) }); r.status == http.StatusOK || r.took != time.Second {
			t.Errorf("%d after %v", r.status, r.took)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r := w.mustFetch(raw, 1); r.took != 0 {
			t.Errorf("retry took %v", r.took)
		}
	})
}

// A flight that nobody has waited for is not flown when its turn comes: the clients are long gone.
func TestForgottenFlightsAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(c *agent.Config) { c.MaxInFlight, c.ObtainTimeout = 1, time.Minute })
		w.backend.set(after(40 * time.Second))
		var all sync.WaitGroup
		for n := range 3 {
			raw := podOf(n).token(t)
			all.Go(func() { w.fetch(raw) }) // which waits 10 s
			synctest.Wait()
		}
		all.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		w.mustHaveCalled(1)
	})
}

func TestTooManyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(c *agent.Config) { c.MaxInFlight, c.MaxCache = 2, 3 })
		w.backend.set(after(time.Second))
		var all sync.WaitGroup
		for n := range 5 {
			raw := podOf(n).token(t)
			all.Go(func() {
				if r := w.fetch(raw); r.status != http.StatusOK {
					t.Errorf("pod %d: %d", n, r.status)
				}
			})
		}
		synctest.Wait()
		w.mustRefuse(podOf(5).token(t), 503, "Too many pods are waiting")
		all.Wait()
	})
}

func TestLeastRecentlyUsedGoes(t *testing.T) {
	w := start(t, func(c *agent.Config) { c.MaxCache = 2 })
	first, second, third := podOf(1).token(t), podOf(2).token(t), podOf(3).token(t)
	w.mustFetch(first, 1)
	w.mustFetch(second, 2)
	w.mustFetch(first, 1)
	w.mustFetch(third, 3)
	w.mustFetch(first, 1)
	w.mustFetch(second, 4)
}

// Below 15 minutes of life a fetch renews first; what it falls back on is the rest of what was there.
func TestShortLifeIsRenewedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.backend.life = time.Hour
		raw := web.token(t)
		w.mustFetch(raw, 1)
		time.Sleep(45 * time.Minute)
		w.mustFetch(raw, 1)
		time.Sleep(time.Second)

		w.backend.set(after(3 * time.Second))
		if r := w.mustFetch(raw, 1); r.took > time.Second || r.life(t) < 14*time.Minute {
			t.Errorf("a slow service held a fetch up for %v", r.took)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		w.mustFetch(raw, 2) // what came late was kept

		time.Sleep(50 * time.Minute)
		w.backend.set(failing(errOutage))
		w.mustFetch(raw, 2)
		w.mustHaveCalled(3)
		w.mustFetch(raw, 2)
		w.mustHaveCalled(3) // not again at once
		time.Sleep(10 * time.Second)
		w.backend.set(nil)
		w.mustFetch(raw, 4)

		time.Sleep(50 * time.Minute)
		w.backend.set(failing(errNoRole))
		w.mustRefuse(raw, 404, "ResourceNotFoundException")
	})
}

// The last 15 seconds of credentials are nobody's, as in the EKS agent.
func TestExpiredCredentialsAreNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.backend.life = time.Hour
		raw := web.token(t)
		w.mustFetch(raw, 1)
		w.backend.set(failing(errOutage))
		time.Sleep(time.Hour - 16*time.Second)
		w.mustFetch(raw, 1)
		time.Sleep(time.Second)
		w.mustRefuse(raw, 503, "connection refused")
	})
}

func TestCredentialsAsGoodAsExpired(t *testing.T) {
	w := start(t)
	w.backend.life = 15 * time.Second
	w.mustRefuse(web.token(t), 503, "is this node's clock right")
}

// Credentials that live 15 minutes never have more than that: they are not asked for anew with each fetch.
func TestShortCredentialsAreCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.backend.life = 15 * time.Minute
		raw := web.token(t)
		for range 7 {
			w.mustFetch(raw, 1)
			time.Sleep(time.Minute)
		}
		time.Sleep(time.Minute)
		w.mustFetch(raw, 2)
	})
}

// A final answer stands for a moment, so that a pod in a crash loop does not hammer the service; a passing one does not stand at all.
func TestRefusalsAreRememberedShortly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.backend.set(failing(errNoRole))
		for range 10 {
			w.mustRefuse(web.token(t), 404, "no association for shop/web")
			time.Sleep(100 * time.Millisecond)
		}
		w.mustHaveCalled(1)
		time.Sleep(500 * time.Millisecond)
		w.backend.set(failing(errThrottle))
		w.mustRefuse(web.token(t), 429, "ThrottlingException")
		w.backend.set(nil)
		w.mustFetch(web.token(t), 3)
	})
}

func TestBackendThatPanics(t *testing.T) {
	w := start(t)
	w.backend.set(func(context.Context, agent.Request) (*agent.Credentials, error) { panic("boom") })
	w.mustRefuse(web.token(t), 503, "the agent failed")
	w.backend.set(nil)
	w.mustFetch(web.token(t), 2)
}

// A process that still holds the pod's last token does not have the credentials of the whole pod refused: it is the newest that is sent.
func TestNewestTokenIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		claims := web.claims(time.Now())
		claims.Expiry = claims.IssuedAt.Add(time.Hour)
		older, newer := sign(t, clusterKey(), claims), web.token(t)
		w.mustFetch(older, 1)
		w.mustFetch(newer, 1)
		w.backend.set(func(_ context.Context, r agent.Request) (*agent.Credentials, error) {
			if r.Token == older {
				return nil, &agent.Error{Status: 400, Code: "ExpiredTokenException", Message: "by a clock that is ahead"}
			}
			return nil, nil
		})
		time.Sleep(time.Hour + 30*time.Second) // within the leeway
		w.AllAssociationsChanged()
		w.mustFetch(older, 2)
		w.mustFetch(newer, 2)
	})
}
