package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/upstream"
)

// world is a fake service with endpoints a, b, c …: each answers, fails, refuses or hangs as it is told. It stands on the clock of a
// synctest bubble.
type world struct {
	*upstream.Endpoints
	mu    sync.Mutex
	does  map[string]string // "", "fail", "refuse", "hang", "ours"
	asked []string
	took  map[string]time.Duration // how long the last call there went on
}

func newWorld(o upstream.Options, names ...string) *world {
	w := &world{does: map[string]string{}, took: map[string]time.Duration{}}
	var all []upstream.Endpoint
	for _, name := range names {
		all = append(all, upstream.Endpoint{URL: name, Region: "us-west-2"})
	}
	w.Endpoints = upstream.NewEndpoints(all, o)
	return w
}

func (w *world) set(name, does string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.does[name] = does
}

// call asks once, and says who was asked and who answered.
func (w *world) call(ctx context.Context) (asked []string, answered string, err error) {
	e, err := w.Do(ctx, func(ctx context.Context, e upstream.Endpoint) error {
		w.mu.Lock()
		asked, w.asked = append(asked, e.URL), append(w.asked, e.URL)
		does := w.does[e.URL]
		w.mu.Unlock()
		began := time.Now()
		defer func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.took[e.URL] = time.Since(began)
		}()
		switch does {
		case "fail":
			return upstream.NoAnswer(errors.New("connection refused"))
		case "refuse":
			return &upstream.Error{Status: 400, Code: "AccessDeniedException", Endpoint: e.URL}
		case "throttle":
			return &upstream.Error{Status: 429, Code: "ThrottlingException", Endpoint: e.URL}
		case "ours":
			return errors.New("no credentials")
		case "hang":
			<-ctx.Done()
			return ctx.Err()
		case "slow":
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(400 * time.Millisecond):
			}
		}
		return nil
	})
	return asked, e.URL, err
}

func (w *world) wants(t *testing.T, answered string, asked ...string) {
	t.Helper()
	got, by, err := w.call(t.Context())
	if err != nil || by != answered {
		t.Fatalf("answered by %q, %v; want %q", by, err, answered)
	}
	if diff := cmp.Diff(asked, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(upstream.Options{}, "a", "b")
		w.wants(t, "a", "a")
		w.set("a", "fail")
		w.wants(t, "b", "a", "b")
		// The pause grows with each trial that fails, and ends at a minute.
		for _, pause := range []time.Duration{5, 10, 20, 40, 60, 60} {
			pause *= time.Second
			w.wants(t, "b", "b")
			time.Sleep(pause - time.Millisecond)
			w.wants(t, "b", "b")
			time.Sleep(time.Millisecond)
			w.wants(t, "b", "a", "b")
		}
		w.set("a", "")
		w.wants(t, "b", "b")
		time.Sleep(time.Minute)
		w.wants(t, "a", "a")
		w.wants(t, "a", "a")
		// And it starts anew.
		w.set("a", "throttle")
		w.wants(t, "b", "a", "b")
		w.set("a", "refuse")
		time.Sleep(5 * time.Second)
		if _, by, err := w.call(t.Context()); by != "a" || !errors.As(err, new(*upstream.Error)) {
			t.Fatalf("%s, %v: a refusal shows that the endpoint is back", by, err)
		}
		w.set("a", "")
		w.wants(t, "a", "a")
	})
}

// An endpoint set aside is asked all the same where no other answers, and is taken back at once if it does.
func TestSetAsideIsAskedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(upstream.Options{}, "a", "b", "c")
		w.set("a", "fail")
		w.wants(t, "b", "a", "b")
		w.set("b", "fail")
		w.set("c", "fail")
		asked, _, err := w.call(t.Context())
		if diff := cmp.Diff([]string{"b", "c", "a"}, asked); diff != "" || err == nil {
			t.Fatal(err, diff)
		}
		if want := "no answer from upstream: b: connection refused; c: connection refused; a: connection refused"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		w.set("a", "")
		w.wants(t, "a", "a")
		// Failing while set aside makes the pause no longer: a was tried many times and b is due after its 5 seconds.
		w.set("a", "fail")
		w.set("c", "")
		w.wants(t, "c", "a", "b", "c")
		time.Sleep(5 * time.Second)
		w.set("a", "")
		w.wants(t, "a", "a")
	})
}

// A call's time is shared out, and whoever is silent has its part of it and no more.
func TestBudget(t *testing.T) {
	second := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	for name, test := range map[string]struct {
		budget  time.Duration // of the options
		timeout time.Duration // of the context; 0 none
		does    map[string]string
		asked   []string
		took    map[string]time.Duration
		whole   time.Duration
		wrong   bool
	}{
		"one that hangs of two":   {0, second(1), map[string]string{"a": "hang"}, []string{"a", "b"}, map[string]time.Duration{"a": second(.5), "b": 0}, second(.5), false},
		"a slow one behind it":    {0, second(1), map[string]string{"a": "hang", "b": "slow"}, []string{"a", "b"}, map[string]time.Duration{"a": second(.5), "b": second(.4)}, second(.9), false},
		"both":                    {0, second(1), map[string]string{"a": "hang", "b": "hang"}, []string{"a", "b"}, map[string]time.Duration{"a": second(.5), "b": second(.5)}, second(1), true},
		"no deadline":             {0, 0, map[string]string{"a": "hang", "b": "hang"}, []string{"a", "b"}, map[string]time.Duration{"a": second(2.5), "b": second(2.5)}, second(5), true},
		"a budget of one's own":   {second(2), 0, map[string]string{"a": "hang"}, []string{"a", "b"}, map[string]time.Duration{"a": second(1), "b": 0}, second(1), false},
		"a failure costs no time": {0, second(1), map[string]string{"a": "fail", "b": "hang"}, []string{"a", "b"}, map[string]time.Duration{"a": 0, "b": second(1)}, second(1), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(upstream.Options{Budget: test.budget}, "a", "b")
				for name, does := range test.does {
					w.set(name, does)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.timeout > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.timeout)
					defer cancel()
				}
				began := time.Now()
				asked, _, err := w.call(ctx)
				if diff := cmp.Diff(test.asked, asked); diff != "" || (err != nil) != test.wrong {
					t.Error(err, diff)
				}
				if diff := cmp.Diff(test.took, w.took); diff != "" {
					t.Error(diff)
				}
				if took := time.Since(began); took != test.whole {
					t.Errorf("took %v, want %v", took, test.whole)
				}
				if test.wrong && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v does not say that time was up", err)
				}
			})
		})
	}
}

// One that was silent lately gets less of the time of the call that tries it again, and leaves more to the one that answers.
func TestTrialCostsLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(upstream.Options{Budget: time.Second}, "a", "b")
		w.set("a", "hang")
		w.wants(t, "b", "a", "b")
		time.Sleep(5 * time.Second)
		w.wants(t, "b", "a", "b")
		if w.took["a"] != 250*time.Millisecond {
			t.Errorf("the trial took %v", w.took["a"])
		}
		w.set("b", "hang")
		_, _, err := w.call(t.Context())
		if w.took["b"] != 750*time.Millisecond || w.took["a"] != 250*time.Millisecond || !strings.Contains(err.Error(), "b: no answer within 750ms; a: no answer within 250ms") {
			t.Errorf("%v, %v", w.took, err)
		}
	})
}

// Of the calls that come once the pause is over, exactly one tries the endpoint; the others keep to the one that answers.
func TestOneCallTriesItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(upstream.Options{}, "a", "b")
		w.set("a", "fail")
		var all sync.WaitGroup
		burst := func() (a, b int) {
			w.asked = nil
			for range 100 {
				all.Go(func() {
					if _, by, err := w.call(t.Context()); by != "b" || err != nil {
						t.Errorf("%s, %v", by, err)
					}
				})
			}
			all.Wait()
			for _, name := range w.asked {
				if name == "a" {
					a++
				} else {
					b++
				}
			}
			return a, b
		}
		if a, b := burst(); a < 1 || b != 100 {
			t.Fatalf("a was asked %d times, b %d", a, b)
		}
		// However many failed at once, the pause is the first one.
		time.Sleep(5 * time.Second)
		w.set("a", "hang")
		if a, b := burst(); a != 1 || b != 100 {
			t.Errorf("after the pause a was asked %d times, b %d", a, b)
		}
		if a, _ := burst(); a != 0 {
			t.Errorf("after the trial failed a was asked %d times", a)
		}
	})
}

// A trial that learned nothing leaves the next call to try.
func TestTrialThatLearnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(upstream.Options{}, "a", "b")
		w.set("a", "fail")
		w.wants(t, "b", "a", "b")
		time.Sleep(5 * time.Second)
		w.set("a", "ours")
		for range 2 {
			if asked, _, err := w.call(t.Context()); err == nil || err.Error() != "no credentials" || len(asked) != 1 {
				t.Fatalf("%v, %v", asked, err)
			}
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _ = w.Do(t.Context(), func(context.Context, upstream.Endpoint) error { panic("a bug") })
		}()
		w.set("a", "")
		w.wants(t, "a", "a")
	})
}

// A caller that leaves says nothing of the endpoint, unless it has waited long: clients that give an exchange one second must not hide an
// endpoint that is silent.
func TestCallerLeaves(t *testing.T) {
	for patience, next := range map[time.Duration]string{100 * time.Millisecond: "a", 900 * time.Millisecond: "b"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(upstream.Options{}, "a", "b")
			w.set("a", "hang")
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(patience, cancel)
			asked, _, err := w.call(ctx)
			if !errors.Is(err, context.Canceled) || len(asked) != 1 {
				t.Errorf("%v, %v", asked, err)
			}
			w.set("a", "")
			w.wants(t, next, next)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if asked, _, err := newWorld(upstream.Options{}, "a").call(ctx); len(asked) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v was asked for a caller who had left: %v", asked, err)
	}
}

// What is told of a last answer that is none: a throttled caller can be told from one that reached nobody.
func TestUnavailableLast(t *testing.T) {
	w := newWorld(upstream.Options{}, "a", "b")
	w.set("a", "throttle")
	w.set("b", "fail")
	var nobody *upstream.Unavailable
	if _, _, err := w.call(t.Context()); !errors.As(err, &nobody) || nobody.Last() != nil {
		t.Errorf("%v", err)
	}
	w.set("b", "throttle")
	if _, _, err := w.call(t.Context()); !errors.As(err, &nobody) || nobody.Last() == nil || nobody.Last().Status != 429 {
		t.Errorf("%v", err)
	}
}

func TestParseEndpoint(t *testing.T) {
	for text, want := range map[string]string{
		"https://sts.eu-west-1.amazonaws.com":                      "eu-west-1 https://sts.eu-west-1.amazonaws.com",
		"https://sts.amazonaws.com/":                               "us-east-1 https://sts.amazonaws.com",
		"https://sts-fips.us-gov-west-1.amazonaws.com":             "us-gov-west-1 https://sts-fips.us-gov-west-1.amazonaws.com",
		"https://sts.cn-north-1.amazonaws.com.cn":                  "cn-north-1 https://sts.cn-north-1.amazonaws.com.cn",
		"https://eks-auth.eu-west-1.api.aws":                       "eu-west-1 https://eks-auth.eu-west-1.api.aws",
		"https://eks-auth.cn-north-1.api.amazonwebservices.com.cn": "cn-north-1 https://eks-auth.cn-north-1.api.amazonwebservices.com.cn",
		"https://podpass.example:8600/base/":                       "us-west-2 https://podpass.example:8600/base",
		"eu-west-1=https://podpass.example":                        "eu-west-1 https://podpass.example",
		"eu-west-1=https://sts.eu-west-1.amazonaws.com":            "eu-west-1 https://sts.eu-west-1.amazonaws.com",
		"https://podpass.example/a=b":                              "us-west-2 https://podpass.example/a=b",
		"http://127.0.0.1:8600":                                    "us-west-2 http://127.0.0.1:8600",
		"http://localhost:8600":                                    "us-west-2 http://localhost:8600",
		"http://[::1]:8600":                                        "us-west-2 http://[::1]:8600",
		"http://[fd00:ec2::23]":                                    "refused",
		"http://169.254.170.23":                                    "refused",
		"http://10.1.2.3:9000":                                     "refused",
		"http://sts.example":                                       "refused",
		"http://8.8.8.8":                                           "refused",
		"http://127.0.0.1.example":                                 "refused",
		"https://user:hidden@podpass.example":                      "refused",
		"https://user:hid%zzden@podpass.example":                   "refused",
		"https://podpass.example/?x=1":                             "refused",
		"https://podpass.example/#x":                               "refused",
		"https://":                                                 "refused",
		"https://:8600":                                            "refused",
		"sts.amazonaws.com":                                        "refused",
		"ftp://sts.amazonaws.com":                                  "refused",
		"":                                                         "refused",
		"=https://podpass.example":                                 "refused",
		"EU West=https://podpass.example":                          "refused",
		"us-east-1=https://sts.eu-west-1.amazonaws.com":            "refused",
	} {
		got, err := upstream.ParseEndpoint(text, "us-west-2", false)
		shown := got.Region + " " + got.URL
		if err != nil {
			shown = "refused"
			if strings.Contains(err.Error(), "hid") {
				t.Errorf("%q gives a password away", err)
			}
		}
		if shown != want {
			t.Errorf("%q is %q (%v), want %q", text, shown, err, want)
		}
	}
	if _, err := upstream.ParseEndpoint("https://podpass.example", "", false); err == nil || !strings.Contains(err.Error(), "us-west-2=https://podpass.example") {
		t.Errorf("without any region: %v", err)
	}
	if e, err := upstream.ParseEndpoint("http://podpass.podpass.svc:8600", "us-west-2", true); err != nil || e.URL != "http://podpass.podpass.svc:8600" {
		t.Error(e, err)
	}
	if e := fmt.Sprint(upstream.Endpoint{URL: "https://a.example", Region: "us-west-2"}); e != "https://a.example" {
		t.Error(e)
	}
}
