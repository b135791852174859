package incluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Duty is something that a server does in its cluster, and does again because others may undo it. Do says nothing of what it found as it should be.
type Duty struct {
	Name  string
	Every time.Duration // from one time that it worked to the next; 0: it is done once
	Do    func(ctx context.Context) error
}

// A duty that fails is tried again after firstPause, then twice as long each time, up to lastPause.
const (
	firstPause = time.Second
	lastPause  = 15 * time.Second
	// patience bounds one try.
	patience = 30 * time.Second
)

// Keeper does its duties until it is told to stop.
type Keeper struct {
	log    *slog.Logger
	duties []Duty
	done   chan struct{} // closed when each has worked once

	mu   sync.Mutex
	open map[string]error // duties that have not worked yet, and why
}

// NewKeeper returns a Keeper that does nothing until it Runs. The names of the duties differ.
func NewKeeper(log *slog.Logger, duties ...Duty) *Keeper {
	k := &Keeper{log: log, duties: duties, done: make(chan struct{}), open: map[string]error{}}
	for _, d := range duties {
		k.open[d.Name] = errors.New("not tried yet")
	}
	if len(duties) == 0 {
		close(k.done)
	}
	return k
}

// Run does the duties until ctx ends, each at its own pace, and then returns nil. It is called once.
func (k *Keeper) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, d := range k.duties {
		all.Go(func() { k.keep(ctx, d) })
	}
	all.Wait()
	return nil
}

// Done is closed when each duty has worked once.
func (k *Keeper) Done() <-chan struct{} { return k.done }

// Ready is nil when each duty has worked once: that one fails later leaves what it did.
func (k *Keeper) Ready() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []error
	for _, d := range k.duties {
		if err := k.open[d.Name]; err != nil {
			all = append(all, fmt.Errorf("%s: %w", d.Name, err))
		}
	}
	return errors.Join(all...)
}

func (k *Keeper) keep(ctx context.Context, d Duty) {
	pause, last := firstPause, ""
	for {
		trying, cancel := context.WithTimeout(ctx, patience)
		err := d.Do(trying)
		cancel()
		wait := d.Every
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if k.worked(d.Name); last != "" {
				k.log.Info("works again", "duty", d.Name)
			}
			if pause, last = firstPause, ""; d.Every == 0 {
				return
			}
		default:
			k.failed(d.Name, err)
			if err.Error() != last { // said once, and not each time
				last = err.Error()
				k.log.Error("failed, and is tried again", "duty", d.Name, "error", err)
			}
			wait, pause = pause, min(2*pause, lastPause)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (k *Keeper) worked(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, open := k.open[name]; !open {
		return
	}
	if delete(k.open, name); len(k.open) == 0 {
		close(k.done)
	}
}

func (k *Keeper) failed(name string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, open := k.open[name]; open {
		k.open[name] = err
	}
}
