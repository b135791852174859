package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/token"
)

// publish makes the cluster's keys these.
func (c *cluster) publish(t testing.TB, keys ...*token.SigningKey) {
	t.Helper()
	jwks, err := token.JWKS(keys...)
	if err != nil {
		t.Fatal(err)
	}
	set, err := token.ParseJWKS(jwks)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = token.Static(set)
}

// A token that was verified once is not known for as long as it says of itself: when its key is withdrawn, as a stolen one is, it ends. The pod it
// pretended to be goes on.
func TestWithdrawnKeyEndsKnownTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t).running()
		w.cluster.publish(t, clusterKey(), foreignKey())
		claims := web.claims(time.Now())
		claims.Expiry = claims.IssuedAt.Add(10 * 365 * 24 * time.Hour)
		forged, good := sign(t, foreignKey(), claims), web.token(t)
		w.mustFetch(good, 1)
		w.mustFetch(forged, 1)
		w.cluster.publish(t, clusterKey())
		time.Sleep(2 * time.Minute)
		w.mustRefuse(forged, 400, "no key has the kid")
		w.mustFetch(good, 1)
		// And it is not the forged token, though it would live longest, that the credentials are renewed with.
		w.backend.set(refusing(forged))
		time.Sleep(5 * time.Hour)
		w.mustFetch(good, 2)
	})
}

// What another agent had verified is looked at again too, if only by its key.
func TestWithdrawnKeyEndsImportedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := start(t)
		old.cluster.publish(t, clusterKey(), foreignKey())
		forged, good := sign(t, foreignKey(), web.claims(time.Now())), podOf(2).token(t)
		old.mustFetch(forged, 1)
		old.mustFetch(good, 2)
		state, err := old.Export()
		if err != nil {
			t.Fatal(err)
		}
		w := start(t).running()
		if err := w.Import(state); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		w.mustRefuse(forged, 400, "no key has the kid")
		w.mustFetch(good, 2)
		w.mustHaveCalled(0)
	})
}

// While the keys cannot be had nobody is turned away for it.
func TestUnreachableKeysEndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t).running()
		good := web.token(t)
		w.mustFetch(good, 1)
		w.cluster.setDown(true)
		time.Sleep(2 * time.Hour)
		w.mustFetch(good, 1)
		w.mustFetch(web.token(t), 1)
	})
}

// A key that was withdrawn while its source could be reached does not come back with an outage.
func TestWithdrawnKeyDoesNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t).running()
		w.cluster.publish(t, clusterKey(), foreignKey())
		w.mustFetch(sign(t, foreignKey(), podOf(2).claims(time.Now())), 1)
		w.mustFetch(web.token(t), 2)
		w.cluster.publish(t, clusterKey())
		time.Sleep(2 * time.Minute) // in which nobody asks for it
		w.cluster.setDown(true)
		w.backend.set(failing(&agent.Error{Status: 400, Code: "InvalidTokenException"}))
		w.mustRefuse(sign(t, foreignKey(), web.claims(time.Now())), 400, "InvalidTokenException") // the backend's word, not the cache's
		w.mustFetch(web.token(t), 2)
	})
}

// A kid that names another key than before, as "no kid" does after a rotation, vouches for nothing it vouched for before.
func TestKeyReplacedUnderItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		impostor := *foreignKey()
		impostor.ID = clusterKey().ID
		w := start(t).running()
		w.cluster.publish(t, &impostor)
		forged := sign(t, &impostor, web.claims(time.Now()))
		w.mustFetch(forged, 1)
		w.cluster.publish(t, clusterKey())
		time.Sleep(2 * time.Minute)
		w.mustRefuse(forged, 400, "signature does not match")
		w.mustFetch(web.token(t), 1)
	})
}
