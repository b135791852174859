package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/podpass/podpass/token"
)

const (
	burst     = 500   // requests at once
	knownPods = 1_000 // whose cached credentials are fetched
	manyPods  = 2_000 // that the memory is measured with
	pace      = 5_000 // fetches per second
	workers   = 64    // connections they are spread over
	paceFor   = 20 * time.Second
	authTakes = 30 * time.Millisecond
	issuer    = "https://issuer.example"
)

// nodeAgent measures `podpass agent`, a process of its own, over an EKS Auth that takes 30 ms.
func nodeAgent(ctx context.Context, podpass, dir string) error {
	a, err := startAgent(ctx, podpass, dir)
	if err != nil {
		return err
	}
	defer a.stop()
	for _, part := range []func() error{a.onePod, a.manyPods, a.cached, a.resident} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// agentBench is an agent with the pods it knows, and the service behind it.
type agentBench struct {
	*process
	auth   *slowEKSAuth
	client *http.Client
	tokens []string // each another pod's; the first were used
	used   int
}

func startAgent(_ context.Context, podpass, dir string) (*agentBench, error) {
	key, err := token.NewSigningKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	jwks, err := token.JWKS(key)
	if err != nil {
		return nil, err
	}
	keys := filepath.Join(dir, "jwks.json")
	if err := os.WriteFile(keys, jwks, 0o600); err != nil {
		return nil, err
	}
	say(fmt.Sprintf("signing %d tokens", manyPods))
	tokens, err := sign(key, issuer, "pods.eks.amazonaws.com", manyPods, manyPods)
	if err != nil {
		return nil, err
	}
	auth, err := startSlowEKSAuth(authTakes)
	if err != nil {
		return nil, err
	}
	a := &agentBench{auth: auth, tokens: tokens, client: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: burst, DisableCompression: true,
	}}}
	a.process, err = startWith([]string{
		"AWS_ACCESS_KEY_ID=AKIAQAAAAAAAAAAAAAAA", "AWS_SECRET_ACCESS_KEY=bench", "AWS_REGION=us-west-2", "PATH=" + os.Getenv("PATH"),
	}, podpass, "agent", "--cluster-name", "bench", "--endpoint", auth.url, "--keys", keys, "--loopback", "127.0.0.1:0",
		"--probe-port", "0", "--metrics-port", "0", "--handover-socket", filepath.Join(dir, "agent.sock"))
	if err != nil {
		auth.stop()
		return nil, err
	}
	return a, nil
}

func (a *agentBench) stop() {
	a.process.stop()
	a.auth.stop()
}

// fetch is one SDK's fetch of a pod's credentials.
func (a *agentBench) fetch(raw string) (time.Duration, error) {
	request, err := http.NewRequest(http.MethodGet, a.url, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", raw)
	began := time.Now()
	response, err := a.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the agent answered %s: %s", response.Status, body)
	}
	return time.Since(began), err
}

// together starts fetch(i) for all i at once, and gives how long each took.
func together(n int, fetch func(i int) (time.Duration, error)) ([]time.Duration, error) {
	took, errs := make([]time.Duration, n), make([]error, n)
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			took[i], errs[i] = fetch(i)
		})
	}
	close(begin)
	wg.Wait()
	return took, errors.Join(errs...)
}

// onePod: the first requests for a pod, all at once, are one call.
func (a *agentBench) onePod() error {
	say(fmt.Sprintf("agent: %d simultaneous first requests for one pod, EKS Auth takes %v; median of 7 pods", burst, authTakes))
	// Connections are made beforehand, by fetches of another pod: what is measured is the agent.
	if _, err := together(burst, func(int) (time.Duration, error) { return a.fetch(a.tokens[0]) }); err != nil {
		return err
	}
	a.used = 1
	var over []float64
	calls := a.auth.calls.Load()
	const pods = 7
	for range pods {
		raw := a.tokens[a.used]
		a.used++
		took, err := together(burst, func(int) (time.Duration, error) { return a.fetch(raw) })
		if err != nil {
			return err
		}
		over = append(over, (percentile(took, 99)-authTakes).Seconds()*1e3)
	}
	report("calls of EKS Auth for each", fmt.Sprintf("%.2f", float64(a.auth.calls.Load()-calls)/pods), "exactly 1")
	report("p99, beyond EKS Auth's own time", fmt.Sprintf("%.1f ms   (%.1f to %.1f)", median(over), slices.Min(over), slices.Max(over)), "at most 30 ms")
	return nil
}

// manyPods: the first requests of as many pods at once.
func (a *agentBench) manyPods() error {
	say(fmt.Sprintf("agent: simultaneous first requests of %d pods", burst))
	calls, from := a.auth.calls.Load(), a.used
	a.used += burst
	a.auth.most.Store(0)
	took, err := together(burst, func(i int) (time.Duration, error) { return a.fetch(a.tokens[from+i]) })
	if err != nil {
		return err
	}
	report("calls of EKS Auth", fmt.Sprint(a.auth.calls.Load()-calls), fmt.Sprint(burst))
	report("most in flight", fmt.Sprint(a.auth.most.Load()), "at most 64")
	report("slowest", fmt.Sprintf("%.0f ms", slices.Max(took).Seconds()*1e3), "none fails; botocore gives up after about 8 s")
	return nil
}

// cached: fetches of what is known, at a fixed pace. One that could not be sent in time, because the answer before it was late, is counted from when
// it was due. What a sleep takes too long, a millisecond at worst, is the generator's and not counted.
func (a *agentBench) cached() error {
	say(fmt.Sprintf("agent: cached fetches, %d/s for %v over %d connections, %d pods known", pace, paceFor, workers, knownPods))
	if err := a.know(knownPods); err != nil {
		return err
	}
	calls := a.auth.calls.Load()
	per := int(paceFor.Seconds()) * pace / workers
	var mu sync.Mutex
	var all []time.Duration
	began := time.Now()
	_, err := together(workers, func(worker int) (time.Duration, error) {
		took := make([]time.Duration, 0, per)
		for i := range per {
			due := began.Add(time.Duration(i*workers+worker) * time.Second / pace)
			if early := time.Until(due); early > 0 {
				time.Sleep(early)
				due = time.Now()
			}
			if _, err := a.fetch(a.tokens[(i*workers+worker)*31%knownPods]); err != nil {
				return 0, err
			}
			took = append(took, time.Since(due))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, took...)
		return 0, nil
	})
	if err != nil {
		return err
	}
	report("fetches, all answered 200", fmt.Sprintf("%d, at %.0f/s", len(all), float64(len(all))/time.Since(began).Seconds()), "no 429 ever")
	report("p50", fmt.Sprintf("%.2f ms", percentile(all, 50).Seconds()*1e3), "reported")
	report("p99", fmt.Sprintf("%.2f ms", percentile(all, 99).Seconds()*1e3), "under 2 ms")
	report("calls of EKS Auth meanwhile", fmt.Sprint(a.auth.calls.Load()-calls), "0")
	return nil
}

// know has the first n pods fetch once.
func (a *agentBench) know(n int) error {
	from := a.used
	if from >= n {
		return nil
	}
	a.used = n
	_, err := together(n-from, func(i int) (time.Duration, error) { return a.fetch(a.tokens[from+i]) })
	return err
}

func (a *agentBench) resident() error {
	say(fmt.Sprintf("agent: anonymous resident memory with %d pods known", manyPods))
	if err := a.know(manyPods); err != nil {
		return err
	}
	bytes, err := a.anonymous()
	if err != nil {
		return err
	}
	report("RssAnon", fmt.Sprintf("%.0f MB", float64(bytes)/1e6), "under 40 MB")
	return nil
}

// percentile p of durations, by the nearest rank.
func percentile(d []time.Duration, p int) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)-1, (len(s)*p+99)/100-1)]
}

// report prints a figure beside what is asked of it.
func report(what, figure, asked string) {
	fmt.Printf("  %-52s %-28s (asked: %s)\n", what, figure, asked)
}
