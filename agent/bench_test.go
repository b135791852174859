package agent_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
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
