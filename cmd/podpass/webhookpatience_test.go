package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are made in memory, so that a test's clock is theirs.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestConnectionsAreTheClientsToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := patient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		}))
		listener := make(pipes)
		go func() { _ = s.Serve(listener) }()
		defer func() { close(listener); _ = s.Close() }()
		client, server := net.Pipe()
		defer client.Close()
		listener <- server

		answers := bufio.NewReader(client)
		ask := func(body string) (status int, err error) {
			if _, err := io.WriteString(client, "POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"+body); err != nil {
				return 0, err
			}
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				return 0, err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return resp.StatusCode, err
		}
		for i, idle := range []time.Duration{95 * time.Second, 95 * time.Second, 0} { // before its first request, and between two
			time.Sleep(idle)
			if status, err := ask("{}"); status != http.StatusOK || err != nil {
				t.Fatalf("request %d after %v: %d, %v", i, idle, status, err)
			}
		}
		began := time.Now()
		if status, err := ask("{"); status != http.StatusBadRequest || time.Since(began) != sending {
			t.Errorf("half a review: %d, %v after %v", status, err, time.Since(began))
		}
	})
}
