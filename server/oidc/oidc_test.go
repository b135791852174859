package oidc_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/oidc"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// hosted puts a hosted cluster with one key into the store.
func hosted(t *testing.T, s *store.Store, name string) *store.Cluster {
	t.Helper()
	key, err := oidc.NewKey(rand.Reader, noon)
	if err != nil {
		t.Fatal(err)
	}
	return put(t, s, &store.Cluster{
		Name: name, Account: "111122223333", Partition: "aws", Region: "us-west-2", Keys: store.KeysHosted,
		Issuer: identity.MustIssuer(oidc.Issuer("http://127.0.0.1:8600", name)),
	}, key)
}

func put(t *testing.T, s *store.Store, c *store.Cluster, keys ...store.SigningKey) *store.Cluster {
	t.Helper()
	for _, k := range keys {
		oidc.Publish(c, k)
	}
	done, err := s.Clusters.Update(context.Background(), c.Name, func(*store.Cluster) (*store.Cluster, error) { return c, nil })
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestDocuments(t *testing.T) {
	s := storetest.Open(t)
	c := hosted(t, s, "local")
	h := oidc.Handler(s)

	w := get(h, http.MethodGet, "/oidc/local/.well-known/openid-configuration")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	want := `{"issuer":"http://127.0.0.1:8600/oidc/local","jwks_uri":"http://127.0.0.1:8600/oidc/local/keys",` +
		`"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}

	w = get(h, http.MethodGet, "/oidc/local/keys")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/jwk-set+json" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 || set.Keys[0]["kid"] != c.SigningKeys[0].ID || set.Keys[0]["d"] != "" || set.Keys[0]["use"] != "sig" || set.Keys[0]["alg"] != "RS256" {
		t.Errorf("%v", set)
	}
}

func TestOnlyHostedClustersHaveDocuments(t *testing.T) {
	s := storetest.Open(t)
	hosted(t, s, "local")
	put(t, s, &store.Cluster{Name: "real", Account: "111122223333", Partition: "aws", Keys: store.KeysPinned, Issuer: identity.MustIssuer("https://x"), JWKS: `{"keys":[]}`})
	put(t, s, &store.Cluster{Name: "odd", Account: "111122223333", Partition: "aws", Issuer: identity.MustIssuer("https://y")})
	h := oidc.Handler(s)
	for path, want := range map[string]int{
		"/oidc/local/keys": http.StatusOK,
		"/oidc/real/keys":  http.StatusNotFound,
		"/oidc/real/.well-known/openid-configuration": http.StatusNotFound,
		"/oidc/odd/keys":     http.StatusNotFound,
		"/oidc/nowhere/keys": http.StatusNotFound,
		"/oidc/local":        http.StatusNotFound,
		"/oidc/local/jwks":   http.StatusNotFound,
		"/oidc/local%2Fkeys": http.StatusNotFound,
		"/oidc/LOCAL/.well-known/openid-configuration": http.StatusNotFound,
	} {
		if w := get(h, http.MethodGet, path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	if w := get(h, http.MethodPost, "/oidc/local/keys"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// state is a cluster's keys as r(etired), a(ctive), p(ending), oldest first.
func state(c *store.Cluster) string {
	text := ""
	for _, k := range c.SigningKeys {
		switch {
		case !k.Retired.IsZero():
			text += "r"
		case k.Active:
			text += "a"
		default:
			text += "p"
		}
	}
	return text
}

// TestRotationOverlaps walks through two rotations: at no moment is there not exactly one signer, and no key is withdrawn before the last
// token it signed has expired.
func TestRotationOverlaps(t *testing.T) {
	ctx := context.Background()
	s := storetest.Open(t)
	now := noon
	r := &oidc.Rotator{Store: s, Now: func() time.Time { return now }, Random: rand.Reader}
	first := oidc.Signer(hosted(t, s, "local")).ID
	put(t, s, &store.Cluster{Name: "real", Account: "111122223333", Partition: "aws", Keys: store.KeysPinned, Issuer: identity.MustIssuer("https://x")})
	const week, day = 7 * 24 * time.Hour, 24 * time.Hour
	for _, step := range []struct {
		at   time.Duration
		want string
	}{
		{0, "a"},
		{week - time.Second, "a"},
		{week, "ap"},
		{week + 5*time.Minute - time.Second, "ap"},
		{week + 5*time.Minute, "ra"},
		{week + 5*time.Minute + day, "ra"}, // a token of the last second may still be read with leeway
		{week + 6*time.Minute + day, "a"},
		{2 * week, "ap"},
		{2*week + 5*time.Minute, "ra"},
		{2*week + 2*day, "a"},
		{5 * week, "ap"}, // after a long rest: one rotation, not several
		{5*week + time.Hour, "ra"},
	} {
		now = noon.Add(step.at)
		for range 2 { // again changes nothing
			if err := r.Step(ctx); err != nil {
				t.Fatal(err)
			}
		}
		c, _ := s.Clusters.Get("local")
		if got := state(c); got != step.want {
			t.Fatalf("after %v: %s, want %s", step.at, got, step.want)
		}
		if signer := oidc.Signer(c); signer == nil || (signer.ID == first) != (step.at < week+5*time.Minute) {
			t.Errorf("after %v: %v signs", step.at, signer)
		}
		if next := r.Schedule.Next(c, now); !next.After(now) {
			t.Errorf("after %v: something is due at %v", step.at, next)
		}
	}
	if c, _ := s.Clusters.Get("real"); len(c.SigningKeys) != 0 {
		t.Error("a cluster that isn't hosted got a key")
	}
}

func TestRotateAheadOfSchedule(t *testing.T) {
	ctx := context.Background()
	s := storetest.Open(t)
	old := oidc.Signer(hosted(t, s, "local")).ID
	now := noon.Add(time.Hour)
	c, err := oidc.Rotate(ctx, s, "local", now, rand.Reader)
	if err != nil || state(c) != "ap" || oidc.Signer(c).ID != old {
		t.Fatalf("%v: %s", err, state(c))
	}
	if c, err = oidc.Rotate(ctx, s, "local", now, rand.Reader); err != nil || state(c) != "ap" {
		t.Errorf("rotated again: %v %s", err, state(c))
	}
	r := &oidc.Rotator{Store: s, Now: func() time.Time { return now.Add(time.Minute) }, Random: rand.Reader, Schedule: oidc.Schedule{PublicationDelay: time.Minute}}
	if err := r.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if c, _ = s.Clusters.Get("local"); state(c) != "ra" || oidc.Signer(c).ID == old {
		t.Errorf("after the delay: %s", state(c))
	}
	// Both are published.
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(get(oidc.Handler(s), http.MethodGet, "/oidc/local/keys").Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 || !slices.ContainsFunc(set.Keys, func(k struct{ Kid string }) bool { return k.Kid == old }) {
		t.Errorf("published: %v", set)
	}
	put(t, s, &store.Cluster{Name: "real", Account: "111122223333", Partition: "aws", Keys: store.KeysPinned, Issuer: identity.MustIssuer("https://x")})
	for _, name := range []string{"real", "nowhere"} {
		if _, err := oidc.Rotate(ctx, s, name, now, rand.Reader); err == nil {
			t.Errorf("%s was rotated", name)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := storetest.Open(t)
	hosted(t, s, "local")
	later := noon.Add(30 * 24 * time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	r := &oidc.Rotator{Store: s, Random: rand.Reader, Now: func() time.Time {
		cancel() // the first step is under way
		return later
	}}
	if err := r.Run(ctx); err != context.Canceled {
		t.Errorf("Run ended with %v", err)
	}
}
