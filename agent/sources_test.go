package agent_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/podpass/podpass/agent"
)

// A pod that opens connections and never says anything gets so many and no more; the others don't notice, and neither does it once it lets go.
func TestConnectionsOfOneSource(t *testing.T) {
	const most = 4
	w := start(t)
	server := httptest.NewUnstartedServer(w.Handler())
	server.Listener = agent.LimitSources(server.Listener, most)
	server.Start()
	t.Cleanup(server.Close)
	to := server.Listener.Addr().String()
	dial := func(address string) net.Conn {
		t.Helper()
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).Dial("tcp", to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	raw := web.token(t)
	served := func(c net.Conn) bool {
		if _, err := io.WriteString(c, "GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: "+raw+"\r\n\r\n"); err != nil {
			return false
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return false
		}
		_, err = io.Copy(io.Discard, res.Body)
		return err == nil && res.StatusCode == http.StatusOK
	}
	var silent []net.Conn
	for range most {
		silent = append(silent, dial("127.0.0.66"))
	}
	for range 3 {
		if served(dial("127.0.0.66")) {
			t.Error("more than it may have")
		}
	}
	if !served(dial("127.0.0.2")) {
		t.Error("another pod is not served")
	}
	for range 2 {
		if !served(silent[0]) {
			t.Error("what it has is not served")
		}
	}
	silent[1].Close()
	deadline := time.Now().Add(10 * time.Second)
	for !served(dial("127.0.0.66")) { // until the agent has seen it close
		if time.Now().After(deadline) {
			t.Fatal("a connection that was closed counts still")
		}
	}
}
