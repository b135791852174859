package negative

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// A key that the cluster has withdrawn, because it was stolen, ends with what it signed: at EKS Auth at once, at an agent that knows the tokens
// within the two minutes that it may go by keys of before. Pods go on under the new key, from the cache.
func TestAgentWithdrawnKey(t *testing.T) {
	s, _ := shop(t)
	stolen, next := s.SigningKey(t), newKey(t)
	publish := func(keys ...*token.SigningKey) {
		jwks, err := token.JWKS(keys...)
		if err != nil {
			t.Fatal(err)
		}
		change(t, s, func(c *store.Cluster) { c.Keys, c.SigningKeys, c.JWKS = store.KeysPinned, nil, string(jwks) })
	}
	pod := podpasstest.Pod("web-1", "32b2260f-5a66-4e48-b430-605c245d7840")
	claims := s.Claims("shop", "web", podpasstest.Audience("pods.eks.amazonaws.com"), pod, day())
	sign := func(key *token.SigningKey) string {
		claims.ID += "1" // no two are the same
		claims.Kubernetes.ServiceAccountUID = "1d73a72f-a6cf-48c9-8e58-20961e6abf9e"
		raw, err := key.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	publish(stolen, next)
	n := newNode(t, s, s.Admin)
	known, other, good := sign(stolen), sign(stolen), sign(next)
	first := n.mustFetch(known)
	if n.mustFetch(good) != first {
		t.Error("a rotated token is another caller")
	}

	publish(next)
	n.mustFetch(known) // nobody has told the agent yet
	if r, e := newNode(t, s, s.Admin, leftToEKSAuth).mustRefuse(known, nil); e == nil || e.Code != "InvalidTokenException" {
		t.Errorf("EKS Auth: %d %s", r.status, r.body)
	}
	s.Clock.Advance(2 * time.Minute)
	for _, raw := range []string{other, known, other} {
		if r, e := n.mustRefuse(raw, nil); r.status != http.StatusBadRequest || e != nil || !strings.Contains(r.body, "no key has the kid") {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if n.mustFetch(good) != first {
		t.Error("the pod lost its credentials with the key")
	}
}

// An agent whose keys cannot be had leaves the word to EKS Auth, and mixes up nobody with whom he pretends to be.
func TestAgentWithoutItsKeys(t *testing.T) {
	s, _ := shop(t)
	n := newNode(t, s, s.Admin, unreachableKeys)
	forged, err := newKey(t).Sign(s.Claims("shop", "web", podpasstest.Audience("pods.eks.amazonaws.com"), podpasstest.Pod("web-1", "u-1")))
	if err != nil {
		t.Fatal(err)
	}
	good := s.PodToken(t, "shop", "web", podpasstest.Pod("web-1", "u-1"))
	first := n.mustFetch(good)
	if r, e := n.mustRefuse(forged, nil); e == nil || e.Code != "InvalidTokenException" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if n.mustFetch(good) != first {
		t.Error("a forged token cost the pod its credentials")
	}
	var kept struct{ Entries []json.RawMessage }
	state, err := n.Export()
	if err != nil || json.Unmarshal(state, &kept) != nil || len(kept.Entries) != 1 {
		t.Errorf("the cache holds %d: %v", len(kept.Entries), err)
	}
}
