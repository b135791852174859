package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/podpass/podpass/webhook"
)

// reviewConnections are kept alive, and each has one review under way. They speak HTTP/1.1 in the fewest words: what the generator does not spend, on the
// same two cores, is there for what is measured.
const reviewConnections = 8

// reviewer sends one request over each connection, again and again.
type reviewer struct {
	name     string
	server   string
	roots    *x509.CertPool
	requests [][]byte
	good     func(answer []byte) bool
	conns    []*tls.Conn // made by the first run: a server hangs up on who connects and says nothing
	rates    []float64   // of each round, per second
	p50, p99 []float64   // of each round, in ms
}

// newReviewer sends admission reviews of pods of these accounts, the first of them over the first connection and so on, and wants each patched or not.
func newReviewer(name, server string, roots *x509.CertPool, accounts []string, patched bool) (*reviewer, error) {
	r := &reviewer{name: name, server: server, roots: roots, good: func(answer []byte) bool {
		return bytes.Contains(answer, []byte(`"allowed":true`)) && bytes.Contains(answer, []byte(`"patch":`)) == patched
	}}
	for i := range reviewConnections {
		body, err := reviewOf(accounts[i%len(accounts)])
		if err != nil {
			return nil, err
		}
		r.requests = append(r.requests, fmt.Appendf(nil, "POST %s?timeout=5s HTTP/1.1\r\nHost: webhook\r\nUser-Agent: kube-apiserver-admission\r\nContent-Length: %d\r\n"+
			"Accept: application/json, */*\r\nContent-Type: application/json\r\n\r\n%s", webhook.PathMutate, len(body), body))
	}
	return r, nil
}

func (r *reviewer) dial() error {
	u, err := url.Parse(r.server)
	if err != nil {
		return err
	}
	for range reviewConnections {
		conn, err := tls.Dial("tcp", u.Host, &tls.Config{RootCAs: r.roots, ServerName: "127.0.0.1", NextProtos: []string{"http/1.1"}})
		if err != nil {
			return err
		}
		r.conns = append(r.conns, conn)
	}
	return nil
}

func (r *reviewer) close() {
	for _, c := range r.conns {
		c.Close()
	}
}

// run sends requests over all connections for d.
func (r *reviewer) run(d time.Duration) error {
	if len(r.conns) == 0 {
		if err := r.dial(); err != nil {
			return err
		}
	}
	took, errs := make([][]time.Duration, len(r.conns)), make([]error, len(r.conns))
	var all sync.WaitGroup
	began := time.Now()
	for i, conn := range r.conns {
		took[i] = make([]time.Duration, 0, 1<<16)
		all.Go(func() {
			answers := bufio.NewReaderSize(conn, 64<<10)
			var body []byte
			for last := began; last.Sub(began) < d; {
				if _, errs[i] = conn.Write(r.requests[i]); errs[i] != nil {
					return
				}
				if body, errs[i] = readAnswer(answers, body); errs[i] != nil {
					return
				}
				now := time.Now()
				took[i] = append(took[i], now.Sub(last))
				last = now
				if !r.good(body) {
					errs[i] = fmt.Errorf("%s answered %.300s", r.name, body)
					return
				}
			}
		})
	}
	all.Wait()
	lasted := time.Since(began).Seconds()
	every := slices.Concat(took...)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	r.rates = append(r.rates, float64(len(every))/lasted)
	r.p50 = append(r.p50, percentile(every, 50).Seconds()*1e3)
	r.p99 = append(r.p99, percentile(every, 99).Seconds()*1e3)
	return nil
}

// readAnswer reads an answer with a Content-Length into body.
func readAnswer(from *bufio.Reader, body []byte) ([]byte, error) {
	status, err := from.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(status, []byte(" 200 ")) {
		rest, _ := from.Peek(from.Buffered())
		return nil, fmt.Errorf("answered %.40q %.300q", status, rest)
	}
	length := -1
	for {
		line, err := from.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, _ := strings.Cut(string(line), ":"); strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, errors.New("the answer has no Content-Length")
	}
	body = slices.Grow(body[:0], length)[:length]
	_, err = io.ReadFull(from, body)
	return body, err
}

// compareReviews lets the reviewers take turns, after one round each that isn't counted.
func compareReviews(rounds int, each time.Duration, all ...*reviewer) error {
	for round := range rounds + 1 {
		for i := range all {
			if err := all[(i+round)%len(all)].run(each); err != nil {
				return err
			}
		}
		if round == 0 {
			for _, r := range all {
				r.rates, r.p50, r.p99 = nil, nil, nil
			}
		}
	}
	return nil
}

// reviewRow prints the medians with their spread.
func reviewRow(r, limit *reviewer) {
	ratio := ""
	if limit != nil && limit != r {
		ratio = fmt.Sprintf("   %5.1f %% of the limit", 100*median(r.rates)/median(limit.rates))
	}
	fmt.Printf("  %-52s %12.0f /s   (%.0f to %.0f)   p50 %.2f ms   p99 %.2f ms (%.2f to %.2f)%s\n", r.name, median(r.rates),
		slices.Min(r.rates), slices.Max(r.rates), median(r.p50), median(r.p99), slices.Min(r.p99), slices.Max(r.p99), ratio)
}
