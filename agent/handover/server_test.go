package handover_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/podpass/podpass/agent/handover"
)

// serving is a server whose handler reports that it was called and waits for release.
func serving(t *testing.T) (s *handover.Server, address string, called, release chan struct{}) {
	t.Helper()
	called, release = make(chan struct{}, 8), make(chan struct{})
	s = handover.NewServer(&http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called <- struct{}{}
		<-release
		io.WriteString(w, "done")
	})})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String(), called, release
}

// A connection that was accepted before Stop is answered, though its request is read only while the server drains.
func TestDrainAnswersWhatWasAccepted(t *testing.T) {
	s, address, called, release := serving(t)
	close(release)
	late, err := net.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if answer, err := get(address); err != nil || answer != "done" { // the queue is in order: the other one was accepted first
		t.Fatal(answer, err)
	}
	<-called
	s.Stop()
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(t.Context()) }()
	fmt.Fprintf(late, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address)
	resp, err := http.ReadResponse(bufio.NewReader(late), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "done" {
		t.Errorf("%q, %v", body, err)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if _, err := get(address); err == nil {
		t.Error("it is still listened at")
	}
}

func TestDrainIsBounded(t *testing.T) {
	s, address, called, release := serving(t)
	defer close(release)
	answered := make(chan error, 1)
	go func() {
		_, err := get(address)
		answered <- err
	}()
	<-called
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drained: %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("a request that never ends was answered")
	}
}
