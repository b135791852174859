package negative

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/podpasstest"
)

// listening serves a node as `podpass agent` does.
func (n *node) listening() (address string) {
	server := httptest.NewUnstartedServer(n.Handler())
	server.Config.MaxHeaderBytes = agent.MaxHeaderBytes
	server.Config.ReadTimeout, server.Config.WriteTimeout = 30*time.Second, 30*time.Second
	server.Start()
	n.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// say sends bytes to an agent and reads one answer.
func say(t *testing.T, address, text string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, text) // the agent may have answered, and hung up, before all of it was sent
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	<-sent
	return resp.StatusCode, string(answer)
}

// What a client writes to the socket when its token file ends in a newline, when it folds headers, and when it means harm.
func TestAgentBytes(t *testing.T) {
	w := newWorld(t).at(atEKSAuth)
	n := newNode(t, w.Server, w.agent)
	address := n.listening()
	good := w.sign(w.claims())
	get := func(authorization string) string {
		return "GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + authorization + "\r\nConnection: close\r\n\r\n"
	}
	before, logged := w.Audit.Len(), len(w.Logs.String())
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"newline inside":               {get(good[:100] + "\n" + good[100:]), 400},
		"CRLF inside":                  {get(good[:100] + "\r\n" + good[100:]), 400},
		"newline and a space inside":   {get(good[:100] + "\n " + good[100:]), 400},
		"carriage return inside":       {get(good[:100] + "\r" + good[100:]), 400},
		"NUL behind":                   {get(good + "\x00"), 400},
		"tab inside":                   {get(good[:100] + "\t" + good[100:]), 400},
		"not ASCII":                    {get(good + "é"), 400},
		"nothing":                      {get(""), 400},
		"Bearer":                       {get("Bearer " + good), 400},
		"two headers":                  {get(good + "\r\nAuthorization: " + good), 400},
		"20,001 bytes":                 {get(strings.Repeat("A", 20001)), 400},
		"more than headers may have":   {get(strings.Repeat("A", 64<<10)), 431},
		"a megabyte without a newline": {"GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + strings.Repeat("A", 1<<20), 431},
		"a header of another's":        {"GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 10.0.0.9\r\nX-Authorization: " + good + "\r\n\r\n", 400},
		"the token in the query":       {"GET /v1/credentials?token=" + good + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
		"another host in the request":  {"GET http://evil.example/v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + good + "\r\n\r\n", 403},
		"two hosts":                    {"GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nAuthorization: " + good + "\r\n\r\n", 400},
		"no host":                      {"GET /v1/credentials HTTP/1.1\r\nAuthorization: " + good + "\r\n\r\n", 400},
		"no host, the old way":         {"GET /v1/credentials HTTP/1.0\r\nAuthorization: " + good + "\r\n\r\n", 403},
		"a dot segment":                {"GET /v1/../v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + good + "\r\n\r\n", 404},
		"an escaped path":              {"GET /v1%2Fcredentials/.. HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + good + "\r\n\r\n", 404},
		"CONNECT":                      {"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + good + "\r\n\r\n", 404},
		"a second request inside":      {"POST /v1/credentials HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 405},
		"no HTTP":                      {"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := say(t, address, c.text)
			if status != c.status {
				t.Errorf("answered with %d %.300q, want %d", status, body, c.status)
			}
			for where, text := range map[string]string{"answer": body, "agent's log": n.log.String(), "server's log": w.Logs.String()[logged:]} {
				for _, secret := range secretsOf(good) {
					if strings.Contains(text, secret) {
						t.Errorf("the %s holds the token", where)
					}
				}
				if strings.Contains(text, "SecretAccessKey") {
					t.Errorf("the %s holds credentials", where)
				}
			}
		})
	}
	if events := n.exchanges(before); len(events) != 0 {
		t.Errorf("EKS Auth was asked: %+v", events)
	}
	// A newline that ends the header line is no part of the token, nor are the spaces around it.
	for name, text := range map[string]string{
		"as it should be":  get(good),
		"newline behind":   "GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + good + "\n\r\n",
		"spaces around it": get(" \t" + good + " "),
		"whole URL":        "GET http://localhost/v1/credentials HTTP/1.1\r\nHost: evil.example\r\nAuthorization: " + good + "\r\n\r\n",
	} {
		if status, body := say(t, address, text); status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

// Many bad tokens leave nothing behind, and take nothing from those who have credentials or come for them.
func TestAgentGarbage(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "pod", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "*", Role: "pod"})
	stranger := newKey(t)
	var garbage []string
	for i := range 500 {
		forged, err := stranger.Sign(s.Claims("shop", "web", podpasstest.Audience("pods.eks.amazonaws.com")))
		if err != nil {
			t.Fatal(err)
		}
		switch i % 5 {
		case 1:
			forged = fmt.Sprintf("%d%s", i, forged[:len(forged)-5])
		case 2:
			forged = strings.Repeat(fmt.Sprintf("%05d", i), 4000)
		case 3:
			forged += fmt.Sprint(i)
		}
		garbage = append(garbage, forged)
	}
	for name, change := range map[string]func(*agent.Config){"verifying": func(*agent.Config) {}, "trusting": leftToEKSAuth} {
		t.Run(name, func(t *testing.T) {
			const size = 20
			n := newNode(t, s, s.Admin, change, func(c *agent.Config) { c.MaxCache = size })
			var pods []string
			for range size {
				pods = append(pods, s.PodToken(t, "shop", "web"))
				n.mustFetch(pods[len(pods)-1])
			}
			goroutines, heap := runtime.NumGoroutine(), allocated()
			before, calls := s.Audit.Len(), 0
			for _, raw := range garbage {
				if r := n.fetch(raw); r.status != http.StatusBadRequest {
					t.Fatalf("answered with %d %s", r.status, r.body)
				}
			}
			calls = len(n.exchanges(before))
			for _, raw := range pods {
				n.mustFetch(raw)
			}
			if again := len(n.exchanges(before)); again != calls {
				t.Errorf("garbage drove %d pods' credentials out of the cache", again-calls)
			}
			if name == "verifying" && calls > 0 {
				t.Errorf("EKS Auth was asked %d times about garbage", calls)
			}
			soon(t, 10*time.Second, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines+10 })
			if grown := int64(allocated()) - int64(heap); grown > 4<<20 {
				t.Errorf("the heap has grown by %d bytes", grown)
			}
			n.mustFetch(s.PodToken(t, "shop", "web"))
		})
	}
}

func allocated() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
