package kubernetes

import (
	"strings"
	"sync"
	"time"
)

// compiled is what `go build -v` says: a line for each package it compiles, and whatever else it has to say.
type compiled struct {
	mu    sync.Mutex
	line  []byte
	count int
	other []string
}

func (c *compiled) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range p {
		if b != '\n' {
			c.line = append(c.line, b)
			continue
		}
		c.add(string(c.line))
		c.line = c.line[:0]
	}
	return len(p), nil
}

// add tells a package's path, which has no spaces, from the rest.
func (c *compiled) add(line string) {
	switch {
	case line == "" || strings.HasPrefix(line, "go: downloading "):
	case strings.ContainsAny(line, " \t"):
		c.other = append(c.other, line)
	default:
		c.count++
	}
}

func (c *compiled) packages() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

func (c *compiled) rest() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(append(c.other, string(c.line)), "\n")
}

// every calls f again and again until the function it returns is called, which waits for a call under way.
func every(interval time.Duration, f func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		again := time.NewTicker(interval)
		defer again.Stop()
		for {
			select {
			case <-done:
				return
			case <-again.C:
				f()
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }
