package server_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/podpass/podpass/server"
)

// A server that is to end says so first, and goes on serving until whoever sends it requests has noticed.
func TestDrains(t *testing.T) {
	c := config(t)
	c.Drain = 2 * time.Second
	s, err := server.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	if status, _ := get(t, s.AdminURL()+"/readyz"); status != http.StatusOK {
		t.Fatalf("/readyz %d", status)
	}
	stop()
	told := time.Now()
	for status := http.StatusOK; status != http.StatusServiceUnavailable; status, _ = get(t, s.AdminURL()+"/readyz") {
		if time.Since(told) > time.Second {
			t.Fatal("ready a second after it was told to end")
		}
	}
	for _, url := range []string{s.URL() + "/oidc/local/keys", s.AdminURL() + "/healthz"} {
		if status, _ := get(t, url); status != http.StatusOK {
			t.Errorf("%s: %d while it drains", url, status)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(told); took < c.Drain {
		t.Errorf("ended after %v", took)
	}
	if _, err := http.Get(s.URL()); err == nil {
		t.Error("still serving")
	}
}
