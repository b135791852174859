package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const connections = 16

// target is something that answers prepared requests.
type target struct {
	name     string
	client   *http.Client
	requests func(i int) *http.Request // a fresh request; i counts up
	next     atomic.Int64
	rates    []float64 // requests per second of each round
}

func newTarget(name string, requests func(i int) *http.Request) *target {
	return &target{name: name, requests: requests, client: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true,
	}}}
}

// run sends requests over all connections for d and records the rate. An answer other than 200 is an error: refusals are cheap, and would flatter.
func (t *target) run(d time.Duration) error {
	var done atomic.Int64
	var failed error
	var once sync.Once
	var wg sync.WaitGroup
	start := time.Now()
	for range connections {
		wg.Go(func() {
			var body bytes.Buffer
			for time.Since(start) < d {
				response, err := t.client.Do(t.requests(int(t.next.Add(1))))
				if err == nil {
					body.Reset()
					_, err = io.Copy(&body, response.Body)
					response.Body.Close()
				}
				if err == nil && response.StatusCode != http.StatusOK {
					err = fmt.Errorf("%s answered %s: %s", t.name, response.Status, body.String())
				}
				if err != nil {
					once.Do(func() { failed = err })
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	t.rates = append(t.rates, float64(done.Load())/time.Since(start).Seconds())
	return failed
}

// compare lets the targets take turns, after one round each that isn't counted.
func compare(rounds int, each time.Duration, targets ...*target) error {
	for round := range rounds + 1 {
		for i := range targets {
			// Every round begins with another target, so that none always follows the same neighbour.
			t := targets[(i+round)%len(targets)]
			if err := t.run(each); err != nil {
				return err
			}
		}
		if round == 0 {
			for _, t := range targets {
				t.rates = nil
			}
		}
	}
	return nil
}
