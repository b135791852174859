package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// A server that leaves closes no connection under its client: it asks for that with each answer, and waits for the client to do it.
func TestDeparture(t *testing.T) {
	var leaving atomic.Bool
	d := &departure{leaving: &leaving}
	s := httptest.NewUnstartedServer(d.handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	s.Config.ConnState = d.count
	s.Start()
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	asked := func() (closing bool) {
		t.Helper()
		resp, err := client.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.Close
	}
	if asked() {
		t.Error("the connection is to be closed, and nobody leaves")
	}
	leaving.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if d.wait(ctx); !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("it did not wait for a connection the client keeps")
	}
	if !asked() {
		t.Error("the connection is to be kept by a server that leaves")
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if d.wait(ctx); ctx.Err() != nil {
		t.Errorf("it waits for connections that are closed: %d", d.open.Load())
	}
}
