package agent_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/agent"
)

// BenchmarkHit is a fetch that is answered from the cache, with 1,000 pods known.
func BenchmarkHit(b *testing.B) {
	w := start(b)
	const pods = 1000
	requests := make([]*http.Request, pods)
	for n := range requests {
		raw := podOf(n).token(b)
		w.mustFetch(raw, n+1)
		requests[n] = httptest.NewRequest(http.MethodGet, "http://169.254.170.23/v1/credentials", nil)
		requests[n].Header.Set("Authorization", raw)
	}
	handler := w.Handler()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for n := 0; p.Next(); n++ {
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, requests[n%pods])
			if rec.Code != http.StatusOK {
				b.Error(rec.Code)
			}
		}
	})
}

// BenchmarkRotated is a hit with a token that was not seen before: its signature is checked.
func BenchmarkRotated(b *testing.B) {
	w := start(b)
	tokens := make([]string, 256)
	for i := range tokens {
		tokens[i] = web.token(b)
	}
	for n := 0; b.Loop(); n++ {
		if n%len(tokens) == 0 { // a new agent, which has not seen any
			b.StopTimer()
			w = start(b)
			w.mustFetch(web.token(b), 1)
			b.StartTimer()
		}
		w.mustFetch(tokens[n%len(tokens)], 1)
	}
}

// 2,000 pods take a small part of the 40 MB the process may have.
func TestMemory(t *testing.T) {
	w := start(t)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const pods = 2000
	before := heap()
	for n := range pods {
		w.mustFetch(podOf(n).token(t), n+1)
	}
	if used := (heap() - before) >> 10; used > 12<<10 {
		t.Errorf("%d pods take %d KB", pods, used)
	} else {
		t.Logf("%d pods take %d KB", pods, used)
	}
	if n := w.gather()["podpass_agent_cache_entries"]; n != pods {
		t.Errorf("%v entries", n)
	}
}

// FuzzHandler: whatever stands in the headers, there is an answer that is the EKS agent's in form, nothing of what was sent is in the log, and
// credentials go to the one token that is good.
func FuzzHandler(f *testing.F) {
	good, foreign := web.token(f), sign(f, foreignKey(), web.claims(time.Now()))
	for _, header := range []string{good, foreign, "", "Bearer " + good, good + "\n", good[:100], "a.b.c", "..", strings.Repeat("A", 30000)} {
		f.Add(header, "169.254.170.23", "10.0.0.1:80")
	}
	f.Add(good, "[fd00:ec2::23]:80", "[::1]:1")
	f.Add(good, "[", "@")
	pods := newNodePods()
	pods.put(web.uid, "10.0.0.1")
	w := start(f, func(c *agent.Config) { c.Bind = pods })
	f.Fuzz(func(t *testing.T, header, host, remote string) {
		r := w.fetch(header, func(r *http.Request) { r.Host, r.RemoteAddr = host, remote })
		_, reason, _ := strings.Cut(r.body, "\n")
		switch {
		case r.status == http.StatusOK && header != good:
			t.Errorf("credentials for %q", header)
		case r.status == http.StatusOK:
		case r.status != 400 && r.status != 403:
			t.Errorf("%d", r.status)
		case strings.Count(r.body, "\n") != 2 || strings.TrimSuffix(reason, "\n") != r.header.Get("Podpass-Reason"):
			t.Errorf("%q", r.body)
		}
	})
}
