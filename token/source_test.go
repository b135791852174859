package token_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/token"
)

// remote is where an issuer's keys live; it counts how often it is asked.
type remote struct {
	mu      sync.Mutex
	jwks    string
	err     error
	takes   time.Duration
	fetches atomic.Int32
}

func (r *remote) set(jwks string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jwks, r.err = jwks, err
}

func (r *remote) fetch(ctx context.Context) (*token.KeySet, error) {
	r.fetches.Add(1)
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	return token.ParseJWKS([]byte(r.jwks))
}

// expect asks a source for a key and compares the reason of the refusal (0 for none) and how many fetches there were in all.
func expect(t *testing.T, at string, s token.Source, r *remote, kid string, want token.Reason, fetches int32) {
	t.Helper()
	_, err := s.Key(t.Context(), kid, "RS256")
	var got token.Reason
	if err != nil {
		got = reasonOf(t, err)
	}
	synctest.Wait()
	if n := r.fetches.Load(); got != want || n != fetches {
		t.Errorf("%s: kid %q: reason %v (%v), want %v; %d fetches, want %d", at, kid, got, err, want, n, fetches)
	}
}

func TestRefreshingFollowsTheIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{jwks: set(rsaJWK(2048, "a", ""))}
		s := token.Refreshing(r.fetch, time.Now)
		expect(t, "first use", s, r, "a", 0, 1)
		expect(t, "second use", s, r, "a", 0, 1)
		r.set(set(rsaJWK(2048, "b", "")), nil)
		time.Sleep(49 * time.Second)
		expect(t, "withdrawn, within the minute", s, r, "a", 0, 1)
		time.Sleep(11 * time.Second)
		expect(t, "withdrawn, after the minute", s, r, "a", token.UnknownKey, 2)
		expect(t, "published", s, r, "b", 0, 2)
		r.set(set(), nil)
		time.Sleep(time.Hour)
		expect(t, "all withdrawn while nobody asked", s, r, "b", token.UnknownKey, 3)
	})
}

// Shortly before its keys are a minute old, a source in use fetches without making anybody wait.
func TestRefreshingAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{jwks: set(rsaJWK(2048, "a", "")), takes: time.Second}
		s := token.Refreshing(r.fetch, time.Now)
		expect(t, "first use", s, r, "a", 0, 1)
		time.Sleep(52 * time.Second)
		before := time.Now()
		expect(t, "ahead", s, r, "a", 0, 2)
		if waited := time.Since(before); waited != 0 {
			t.Errorf("waited %v", waited)
		}
		time.Sleep(10 * time.Second)
		expect(t, "a minute after the first", s, r, "a", 0, 2)
	})
}

func TestRefreshingKeepsLastGoodKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{jwks: set(rsaJWK(2048, "a", ""))}
		s := token.Refreshing(r.fetch, time.Now)
		expect(t, "first use", s, r, "a", 0, 1)
		r.set("", errors.New("connection refused"))
		time.Sleep(time.Minute)
		expect(t, "unreachable", s, r, "a", 0, 2)
		time.Sleep(9 * time.Second)
		expect(t, "not tried again yet", s, r, "a", 0, 2)
		time.Sleep(time.Second)
		expect(t, "tried again", s, r, "a", 0, 3)
		r.set("<html>maintenance</html>", nil)
		time.Sleep(24 * time.Hour)
		expect(t, "answers nonsense a day later", s, r, "a", 0, 4)
		r.set(set(rsaJWK(2048, "b", "")), nil)
		time.Sleep(10 * time.Second)
		expect(t, "back: the background fetch has begun", s, r, "a", 0, 5)
		expect(t, "back", s, r, "a", token.UnknownKey, 5)
		expect(t, "back", s, r, "b", 0, 5)
	})
}

func TestRefreshingWithoutAnyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{err: errors.New("connection refused")}
		s := token.Refreshing(r.fetch, time.Now)
		expect(t, "first use", s, r, "a", token.KeysUnavailable, 1)
		expect(t, "second use", s, r, "a", token.KeysUnavailable, 1)
		time.Sleep(10 * time.Second)
		expect(t, "ten seconds on", s, r, "a", token.KeysUnavailable, 2)
		r.set(set(rsaJWK(2048, "a", "")), nil)
		time.Sleep(10 * time.Second)
		expect(t, "reachable", s, r, "a", 0, 3)
	})
}

func TestRefreshingOnUnknownKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{jwks: set(rsaJWK(2048, "a", ""))}
		s := token.Refreshing(r.fetch, time.Now)
		expect(t, "first use", s, r, "a", 0, 1)
		expect(t, "just fetched", s, r, "b", token.UnknownKey, 1)
		time.Sleep(10 * time.Second)
		expect(t, "ten seconds on", s, r, "b", token.UnknownKey, 2)
		expect(t, "at once again", s, r, "c", token.UnknownKey, 2)
		r.set(set(rsaJWK(2048, "a", ""), rsaJWK(2056, "b", "")), nil)
		time.Sleep(10 * time.Second)
		expect(t, "rotated", s, r, "b", 0, 3)
		r.set("", errors.New("connection refused"))
		time.Sleep(10 * time.Second)
		expect(t, "unknown and unreachable", s, r, "c", token.UnknownKey, 4)
		expect(t, "known and unreachable", s, r, "a", 0, 4)
	})
}

// Five hundred tokens under a new kid are one fetch, and none of their callers is sent away early.
func TestRefreshingCallersJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{jwks: set(rsaJWK(2048, "a", "")), takes: time.Second}
		s := token.Refreshing(r.fetch, time.Now)
		expect(t, "first use", s, r, "a", 0, 1)
		r.set(set(rsaJWK(2048, "b", "")), nil)
		time.Sleep(20 * time.Second)
		var group sync.WaitGroup
		for i := range 500 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				if _, err := s.Key(t.Context(), "b", "RS256"); err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		group.Wait()
		if n := r.fetches.Load(); n != 2 {
			t.Errorf("%d fetches, want 2", n)
		}
	})
}

// The client whose request began a fetch hangs up; the fetch goes on for those who wait.
func TestRefreshingOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{jwks: set(rsaJWK(2048, "a", "")), takes: time.Second}
		s := token.Refreshing(r.fetch, time.Now)
		ctx, hangUp := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := s.Key(ctx, "a", "RS256"); err == nil || reasonOf(t, err) != token.KeysUnavailable {
				t.Errorf("the one who left: %v", err)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if _, err := s.Key(t.Context(), "a", "RS256"); err != nil {
				t.Errorf("the one who stayed: %v", err)
			}
		})
		synctest.Wait()
		hangUp()
		group.Wait()
		if n := r.fetches.Load(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

func TestRefreshingGivesUpOnAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{jwks: set(rsaJWK(2048, "a", "")), takes: time.Hour}
		s := token.Refreshing(r.fetch, time.Now)
		before := time.Now()
		expect(t, "never answers", s, r, "a", token.KeysUnavailable, 1)
		if waited := time.Since(before); waited != 5*time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

// A caller that decided to fetch just before another's fetch ended takes that one's result.
func TestRefreshingDoesNotFetchTwiceInARace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &remote{jwks: set(rsaJWK(2048, "a", ""))}
		var s token.Source
		meanwhile := func() {}
		s = token.Refreshing(r.fetch, func() time.Time {
			run := meanwhile
			meanwhile = func() {}
			run()
			return time.Now()
		})
		// While the caller reads the clock, having seen that nothing was fetched yet, another one fetches.
		meanwhile = func() { expect(t, "the other", s, r, "a", 0, 1) }
		expect(t, "the one", s, r, "a", 0, 1)
	})
}
