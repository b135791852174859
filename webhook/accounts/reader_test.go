package accounts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/webhook"
	"github.com/podpass/podpass/webhook/accounts"
)

// apiServer is a transport with a store of annotations behind it. A GET is answered from the state at the moment it is released, never before.
type apiServer struct {
	mu      sync.Mutex
	version int                  // of the account's annotation
	gets    []*http.Request      // in the order they were sent
	release chan struct{}        // nil: at once
	answer  func() (int, string) // nil: the account
	lost    int                  // so many GETs are never answered
}

func (s *apiServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.gets = append(s.gets, r)
	seen, release, answer, lost := s.version, s.release, s.answer, len(s.gets) <= s.lost // the state when it was sent: the oldest it may be
	s.mu.Unlock()
	if lost {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if release != nil {
		select {
		case <-release:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	status, body := http.StatusOK, object(map[string]string{"version": fmt.Sprint(seen)})
	if answer != nil {
		status, body = answer()
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func (s *apiServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *apiServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.gets)
}

func object(annotations map[string]string) string {
	text, _ := json.Marshal(map[string]any{
		"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
		"metadata": map[string]any{"namespace": "shop", "name": "web", "annotations": annotations},
	})
	return string(text)
}

func status(code int, reason, details string) func() (int, string) {
	return func() (int, string) {
		return code, fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":%q,"code":%d,"message":"said so"%s}`, reason, code, details)
	}
}

func reader(t *testing.T, s *apiServer, o accounts.Options) *accounts.Reader {
	t.Helper()
	r, err := accounts.New(&rest.Config{Host: "https://kubernetes.default.svc", Transport: s, QPS: 1, Burst: 1}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// review asks for the account and says which version it was told.
func review(t *testing.T, r *accounts.Reader) <-chan string {
	out := make(chan string, 1)
	go func() {
		account, err := r.Account(t.Context(), "shop", "web")
		if err != nil {
			out <- err.Error()
			return
		}
		out <- account.Annotations["version"]
	}()
	return out
}

// The rule itself: who arrives after a GET was sent never gets its answer; all who wait get the next one, which is one.
func TestReadYourWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &apiServer{version: 1, release: make(chan struct{})}
		r := reader(t, s, accounts.Options{Slow: time.Hour, Timeout: time.Hour})
		first := review(t, r)
		synctest.Wait()
		var later []<-chan string
		for version := 2; version <= 5; version++ {
			s.set(func() { s.version = version }) // committed, and then a pod is created
			later = append(later, review(t, r))
			synctest.Wait()
		}
		if n := s.count(); n != 1 {
			t.Fatalf("%d GETs while one is on its way", n)
		}
		s.release <- struct{}{}
		if got := <-first; got != "1" {
			t.Errorf("the first review got version %s", got)
		}
		synctest.Wait()
		if n := s.count(); n != 2 {
			t.Fatalf("%d GETs for the first and all who came later", n)
		}
		s.set(func() { s.version = 6 })
		last := review(t, r)
		synctest.Wait()
		s.release <- struct{}{}
		for i, review := range later {
			if got := <-review; got != "5" {
				t.Errorf("review %d, which came after version %d was committed, got version %s", i, i+2, got)
			}
		}
		synctest.Wait()
		s.release <- struct{}{}
		if got := <-last; got != "6" {
			t.Errorf("the last review got version %s", got)
		}
		for _, get := range s.gets {
			if get.URL.Path != "/api/v1/namespaces/shop/serviceaccounts/web" || get.URL.RawQuery != "" || !strings.Contains(get.Header.Get("Accept"), "as=PartialObjectMetadata") {
				t.Errorf("GET %s, accept %s", get.URL, get.Header.Get("Accept"))
			}
		}
	})
}

// Many at once, over and over: no answer is ever older than the question.
func TestNeverOlderThanTheQuestion(t *testing.T) {
	s := &apiServer{}
	r := reader(t, s, accounts.Options{})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 200 {
				var committed int
				s.set(func() { s.version++; committed = s.version })
				account, err := r.Account(t.Context(), "shop", "web")
				var told int
				if _, scan := fmt.Sscan(account.Annotations["version"], &told); err != nil || scan != nil || told < committed {
					t.Errorf("version %d was committed, and %d was told: %v, %v", committed, told, err, scan)
				}
			}
		})
	}
	group.Wait()
	if n := s.count(); n > 16*200 {
		t.Errorf("%d GETs for %d reviews", n, 16*200)
	}
}

func TestAnswers(t *testing.T) {
	const about = `,"details":{"name":"web","kind":"serviceaccounts"}`
	for _, tt := range []struct {
		name   string
		answer func() (int, string)
		want   webhook.Account
		err    error
	}{
		{"annotated", func() (int, string) { return 200, object(map[string]string{"a": "b"}) }, webhook.Account{Found: true, Annotations: map[string]string{"a": "b"}}, nil},
		{"bare", func() (int, string) { return 200, object(nil) }, webhook.Account{Found: true}, nil},
		{"not found", status(404, "NotFound", about), webhook.Account{}, nil},
		{"no such path", func() (int, string) { return 404, "404 page not found" }, webhook.Account{}, accounts.ErrUnreachable},
		{"a proxy's 404", status(404, "NotFound", ""), webhook.Account{}, accounts.ErrUnreachable},
		{"forbidden", status(403, "Forbidden", about), webhook.Account{}, accounts.ErrForbidden},
		{"own token is refused", status(401, "Unauthorized", ""), webhook.Account{}, accounts.ErrForbidden},
		{"etcd is away", status(500, "InternalError", ""), webhook.Account{}, accounts.ErrUnreachable},
		{"nonsense", func() (int, string) { return 200, "{" }, webhook.Account{}, accounts.ErrUnreachable},
		{"another object", func() (int, string) { return 200, `{"kind":"Pod"}` }, webhook.Account{}, accounts.ErrUnreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := reader(t, &apiServer{answer: tt.answer}, accounts.Options{}).Account(t.Context(), "shop", "web")
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A pod's service account name comes unchecked: it must not lead to another object.
func TestNamesThatAreNone(t *testing.T) {
	s := &apiServer{}
	r := reader(t, s, accounts.Options{})
	for _, name := range []string{"", ".", "..", "../secrets/x", "a/b", "a%2fb", "A", strings.Repeat("a", 254), "web?watch=true"} {
		if account, err := r.Account(t.Context(), "shop", name); account.Found || err != nil {
			t.Errorf("%q: %+v, %v", name, account, err)
		}
		if account, err := r.Account(t.Context(), name, "web"); account.Found || err != nil {
			t.Errorf("namespace %q: %+v, %v", name, account, err)
		}
	}
	if n := s.count(); n > 0 {
		t.Errorf("%d GETs", n)
	}
}

// A GET that is lost ends with the caller's context, and does not hold up those who come later.
func TestLostGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &apiServer{version: 7, lost: 1}
		r := reader(t, s, accounts.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := r.Account(ctx, "shop", "web")
			ended <- err
		}()
		synctest.Wait()
		began := time.Now()
		if got := <-review(t, r); got != "7" || time.Since(began) != 250*time.Millisecond {
			t.Errorf("version %s after %v", got, time.Since(began))
		}
		if err := <-ended; !errors.Is(err, accounts.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("the lost one: %v after %v", err, time.Since(began))
		}
		time.Sleep(time.Hour) // nothing is left
	})
}

// One account's GET has nothing to do with another's, and no rate limit of the client's holds them up.
func TestManyAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &apiServer{}
		r := reader(t, s, accounts.Options{})
		began := time.Now()
		var group sync.WaitGroup
		for i := range 1000 {
			group.Go(func() {
				if _, err := r.Account(t.Context(), "shop", fmt.Sprintf("web-%d", i)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if took := time.Since(began); took > 0 {
			t.Errorf("1000 accounts took %v", took)
		}
	})
}
