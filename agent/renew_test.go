package agent_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/agent"
)

// The service and the cluster's keys are out of reach for an hour, while each pod's token is rotated every ten minutes. Nobody notices.
func TestOutage(t *testing.T) {
	for name, life := range map[string]time.Duration{"long credentials": 6 * time.Hour, "short credentials": 100 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t).running()
				w.backend.life = life
				w.mustFetch(web.token(t), 1)
				time.Sleep(30 * time.Minute)
				w.backend.set(failing(errOutage))
				w.cluster.setDown(true)
				for range 6 {
					raw := web.token(t)
					for range 10 {
						if r := w.mustFetch(raw, 1); r.took > time.Second {
							t.Errorf("a fetch took %v", r.took)
						}
						time.Sleep(time.Minute)
					}
				}
				w.backend.set(nil)
				w.cluster.setDown(false)
				time.Sleep(2 * time.Minute)
				if r := w.fetch(web.token(t)); r.status != http.StatusOK || life < 2*time.Hour && r.life(t) < time.Hour {
					t.Errorf("after the outage: %d %s", r.status, r.body)
				}
			})
		})
	}
}

func TestRenewsWhatWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t).running()
		raw := web.token(t)
		w.mustFetch(raw, 1)
		time.Sleep(3*time.Hour - 19*time.Minute)
		synctest.Wait()
		w.mustHaveCalled(1)
		time.Sleep(19 * time.Minute)
		synctest.Wait()
		w.mustHaveCalled(2)
		w.mustFetch(raw, 2) // which is what asks for the next renewal
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		w.mustHaveCalled(3)
		time.Sleep(5 * time.Hour) // nobody has asked since
		synctest.Wait()
		w.mustHaveCalled(3)
		w.mustFetch(raw, 3) // due long ago: renewed as soon as somebody asks
		synctest.Wait()
		w.mustFetch(raw, 4)
	})
}

func TestRenewalRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(c *agent.Config) { c.MaxQPS = 3 }).running()
		w.backend.life = time.Hour
		const pods = 100
		for n := range pods {
			w.mustFetch(podOf(n).token(t), n+1)
		}
		w.backend.set(after(2 * time.Second)) // renewals overlap
		time.Sleep(45 * time.Minute)
		w.mustHaveCalled(2 * pods)
		calls, _ := w.backend.since(pods)
		for i := 3; i < len(calls); i++ {
			if took := calls[i].Sub(calls[i-3]); took < time.Second-time.Millisecond {
				t.Fatalf("four renewals within %v", took)
			}
		}
	})
}

// Renewals take no place a pod's first fetch could have.
func TestRenewalsYield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(c *agent.Config) { c.MaxInFlight = 1 }).running()
		w.mustFetch(podOf(1).token(t), 1)
		time.Sleep(3*time.Hour - 19*time.Minute)
		w.backend.set(after(4 * time.Second))
		var streams sync.WaitGroup
		for stream := range 2 { // while one has the only place, the other waits for it
			streams.Go(func() {
				for n := range 300 {
					if r := w.fetch(podOf(100 + 2*n + stream).token(t)); r.status != http.StatusOK {
						t.Errorf("%d %s", r.status, r.body)
					}
				}
			})
		}
		time.Sleep(25 * time.Minute)
		if _, pods := w.backend.since(1); slices.Contains(pods, podOf(1).name) {
			t.Error("renewed while a fetch could have used the place")
		}
		streams.Wait()
		time.Sleep(5 * time.Second)
		if _, pods := w.backend.since(1); !slices.Contains(pods, podOf(1).name) {
			t.Error("not renewed afterwards")
		}
	})
}

func TestFailedRenewals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t).running()
		raw := web.token(t)
		w.mustFetch(raw, 1)
		w.backend.set(failing(errOutage))
		time.Sleep(3*time.Hour + 20*time.Minute)
		calls, _ := w.backend.since(1)
		if len(calls) < 10 {
			t.Fatalf("tried %d times", len(calls))
		}
		for i := 1; i < len(calls); i++ {
			if d := calls[i].Sub(calls[i-1]); d < time.Minute || d > 2*time.Minute+time.Second {
				t.Errorf("tried again after %v", d)
			}
		}
		w.mustFetch(raw, 1)

		// A final answer ends it: what it refuses is gone, and nobody asks again unless a pod does.
		w.backend.set(failing(errNoRole))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		n := w.backend.called()
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		w.mustHaveCalled(n)
		w.mustRefuse(raw, 404, "(ResourceNotFoundException): No Association found., fault: client")
	})
}

func TestExpiredTokenIsNotRenewedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t).running()
		claims := web.claims(time.Now())
		claims.Expiry = claims.IssuedAt.Add(time.Hour)
		w.mustFetch(sign(t, clusterKey(), claims), 1)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		w.mustHaveCalled(1)
	})
}

func TestRenewsWithTheNewestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, withoutKeys).running()
		older, newer := web.claims(time.Now()), web.claims(time.Now())
		newer.Expiry = newer.Expiry.Add(24 * time.Hour)
		oldToken := sign(t, clusterKey(), older)
		w.mustFetch(oldToken, 1)
		w.mustFetch(sign(t, clusterKey(), newer), 2) // another token: only the backend can say whether it is good
		w.mustFetch(oldToken, 2)
		time.Sleep(30 * time.Hour)
		synctest.Wait()
		w.mustRefuse(oldToken, 400, "token is expired")
		if n := w.backend.called(); n < 3 {
			t.Errorf("not renewed with the token that still is good: %d calls", n)
		}
	})
}

func TestDeletedPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t).running()
		raw := web.token(t)
		w.mustFetch(raw, 1)
		w.ForgetPod(web.uid)
		w.ForgetPod("")
		w.mustRefuse(raw, 403, "has been deleted")
		w.mustRefuse(web.token(t), 403, "has been deleted")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		w.mustHaveCalled(1)
		w.mustFetch(podOf(2).token(t), 2)
	})
}

// A pod deleted while its credentials are on their way is not renewed either.
func TestPodDeletedInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t).running()
		w.backend.set(after(time.Second))
		raw := web.token(t)
		go w.fetch(raw)
		synctest.Wait()
		w.ForgetPod(web.uid)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		w.mustHaveCalled(1)
	})
}
