package agent_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/token"
)

func TestRotatedTokenIsTheSameCaller(t *testing.T) {
	w := start(t)
	w.mustFetch(web.token(t), 1)
	w.mustFetch(web.token(t), 1)
	for n, change := range []func(*token.Claims){
		func(c *token.Claims) { c.Kubernetes.PodUID = podOf(2).uid },
		func(c *token.Claims) { c.Kubernetes.PodUID = "" },
		func(c *token.Claims) { c.Kubernetes.ServiceAccountUID = "recreated" },
		func(c *token.Claims) { c.Audience = append(c.Audience, "another") },
		func(c *token.Claims) {
			c.Subject, c.Kubernetes.ServiceAccount = "system:serviceaccount:shop:db", "db"
		},
		func(c *token.Claims) {
			c.Subject, c.Kubernetes.Namespace = "system:serviceaccount:bank:web", "bank"
		},
	} {
		claims := web.claims(time.Now())
		change(&claims)
		w.mustFetch(sign(t, clusterKey(), claims), n+2)
	}
}

// Without the cluster's keys nobody but the backend knows whether a token is good, and what it said of one says nothing of another.
func TestWithoutKeysOnlyTheSameTokenHits(t *testing.T) {
	w := start(t, withoutKeys)
	raw := web.token(t)
	w.mustFetch(raw, 1)
	w.mustFetch(raw, 1)
	w.mustFetch(web.token(t), 2)
	w.mustFetch(raw, 2) // both are the pod's now

	forged := sign(t, foreignKey(), web.claims(time.Now()))
	w.backend.set(failing(&agent.Error{Status: 400, Code: "InvalidTokenException", Message: "no"}))
	w.mustRefuse(forged, 400, "InvalidTokenException")
	w.mustFetch(raw, 2) // and what was refused of the forged one does not touch the pod's

	w.backend.set(failing(errOutage))
	w.mustRefuse(web.token(t), 503, "")
	w.mustFetch(raw, 2)
}

// A forged token doesn't join the flight of the pod it claims to be.
func TestForgedTokenDoesNotJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, withoutKeys)
		real, forged := web.token(t), sign(t, foreignKey(), web.claims(time.Now()))
		w.backend.set(func(ctx context.Context, r agent.Request) (*agent.Credentials, error) {
			time.Sleep(time.Second)
			if r.Token == forged {
				return nil, &agent.Error{Status: 400, Code: "InvalidTokenException"}
			}
			return nil, nil
		})
		var both sync.WaitGroup
		both.Go(func() { w.mustFetch(real, 1) })
		synctest.Wait()
		both.Go(func() { w.mustRefuse(forged, 400, "InvalidTokenException") })
		both.Wait()
	})
}

// Keys that never could be fetched leave the word to the backend; those who were verified before stay what they are.
func TestKeysUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(c *agent.Config) {
			c.Keys = token.Refreshing(func(context.Context) (*token.KeySet, error) { return nil, errOutage }, time.Now)
		})
		raw := web.token(t)
		w.mustFetch(raw, 1)
		w.mustFetch(raw, 1)
		w.mustFetch(web.token(t), 2)
		claims := web.claims(time.Now())
		claims.Expiry = claims.IssuedAt
		time.Sleep(time.Hour)
		w.mustRefuse(sign(t, clusterKey(), claims), 400, "token is expired")
		w.mustFetch(raw, 2)
		w.mustHaveCalled(2)
	})
}

// Keys known once stand while their source is away, and no fetch waits long for it. A key the source has withdrawn is gone.
func TestKeysOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.mustFetch(web.token(t), 1)
		w.cluster.setDown(true)
		time.Sleep(2 * time.Hour)
		if r := w.mustFetch(web.token(t), 1); r.took > 500*time.Millisecond {
			t.Errorf("took %v", r.took)
		}
		w.cluster.setDown(false)
		empty, err := token.ParseJWKS([]byte(`{"keys":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		w.cluster.keys = token.Static(empty)
		w.mustRefuse(web.token(t), 400, "basic claim validations")
		w.cluster.setDown(true)
		// Now it is the backend's word that counts.
		if r := w.mustFetch(web.token(t), 2); r.took != time.Second {
			t.Errorf("took %v", r.took)
		}
	})
}

// nodePods is what a node knows of its pods.
type nodePods struct {
	mu    sync.Mutex
	pods  map[string][]netip.Addr
	moved chan struct{} // closed and made anew with each change
	away  error         // why nothing is known
}

func newNodePods() *nodePods {
	return &nodePods{pods: map[string][]netip.Addr{}, moved: make(chan struct{})}
}

func (n *nodePods) put(uid string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pods[uid] = nil
	for _, a := range addrs {
		n.pods[uid] = append(n.pods[uid], netip.MustParseAddr(a))
	}
	close(n.moved)
	n.moved = make(chan struct{})
}

func (n *nodePods) Addresses(uid string) ([]netip.Addr, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addrs, ok := n.pods[uid]
	return slices.Clone(addrs), ok
}

func (n *nodePods) Ready() error { return n.away }

func (n *nodePods) Wait(ctx context.Context, uid string) {
	for {
		n.mu.Lock()
		moved, known := n.moved, len(n.pods[uid]) > 0
		n.mu.Unlock()
		if known {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

func TestBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pods := newNodePods()
		pods.put(web.uid, "10.0.0.1", "fd00::1")
		pods.put(podOf(2).uid, "10.0.0.2")
		w := start(t, func(c *agent.Config) { c.Bind = pods })
		raw := web.token(t)
		for _, address := range []string{"10.0.0.1:80", "[fd00::1]:80", "[::ffff:10.0.0.1]:80", "[fd00::1%eth0]:80"} {
			if r := w.fetch(raw, from(address)); r.status != 200 || r.took != 0 {
				t.Errorf("%s: %d after %v", address, r.status, r.took)
			}
		}
		for _, address := range []string{"10.0.0.2:80", "127.0.0.1:80", "[fd00::2]:80", "@", ""} {
			r := w.fetch(raw, from(address))
			if r.status != 403 || !strings.HasPrefix(r.body, "Access Denied. Called from an address that") || r.took != 0 {
				t.Errorf("%s: %d %q after %v", address, r.status, r.body, r.took)
			}
		}
		w.mustHaveCalled(1)

		unbound := web.claims(time.Now())
		unbound.Kubernetes.Pod, unbound.Kubernetes.PodUID = "", ""
		w.mustRefuse(sign(t, clusterKey(), unbound), 403, "names no pod")

		stranger := podOf(3).token(t)
		if r := w.fetch(stranger, from("10.0.0.3:80")); r.status != 403 || !strings.Contains(r.body, "not on this node") || r.took != 2*time.Second {
			t.Errorf("%d %q after %v", r.status, r.body, r.took)
		}

		// Before anything is known of the node's pods, no pod is refused for good.
		pods.away = errors.New("the pods of this node are not known yet")
		if r := w.fetch(stranger, from("10.0.0.3:80")); r.status != 503 || !strings.Contains(r.body, "not known yet") {
			t.Errorf("%d %q", r.status, r.body)
		}
		pods.away = nil

		// A container starts before the API server tells its address.
		go func() {
			time.Sleep(time.Second)
			pods.put(podOf(3).uid)
			time.Sleep(500 * time.Millisecond)
			pods.put(podOf(3).uid, "10.0.0.3")
		}()
		if r := w.fetch(stranger, from("10.0.0.3:80")); r.status != 200 || r.took != 1500*time.Millisecond {
			t.Errorf("%d %q after %v", r.status, r.body, r.took)
		}
	})
}

func TestConfig(t *testing.T) {
	backend := &fakeBackend{}
	for name, c := range map[string]agent.Config{
		"no backend":      {Hosts: []string{"localhost"}},
		"no hosts":        {Backend: backend},
		"negative limits": {Backend: backend, Hosts: []string{"localhost"}, MaxCache: -1},
	} {
		if _, err := agent.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		if err := w.Ready(); err == nil {
			t.Error("ready and not running")
		}
		select {
		case <-w.Running():
			t.Error("running before Run")
		default:
		}
		w.running()
		<-w.Running()
		if err := w.Ready(); err != nil {
			t.Error(err)
		}
		w.backend.set(failing(errOutage))
		w.fetch(web.token(t))
		if err := w.Ready(); err == nil || !strings.Contains(err.Error(), "has not answered yet") {
			t.Errorf("ready though nobody has ever answered: %v", err)
		}
		<-w.Running()                     // whoever waits for the start alone is not held up by that
		w.backend.set(failing(errNoRole)) // which is an answer
		w.fetch(web.token(t))
		w.backend.set(failing(errOutage))
		w.fetch(podOf(2).token(t))
		if err := w.Ready(); err != nil {
			t.Errorf("an outage ends it: %v", err)
		}
	})
}
