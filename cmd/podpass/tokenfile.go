package main

import (
	"context"
	"log/slog"
	"time"
)

// issuedToken is a service account's token and when it ends.
type issuedToken struct {
	raw     string
	expires time.Time
}

// tokenFile keeps a token fresh in a file, as kubelet does for a projected volume: replaced at 80 % of its life or at an age of 24 h,
// whichever comes first, in one step, without a newline (SDKs send the file's content as it is).
//
// Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection
type tokenFile struct {
	path  string
	fetch func(ctx context.Context) (issuedToken, error)
	now   func() time.Time
	// wait returns early with ctx's error. A wait is never longer than a minute, so that the wall clock decides: timers stand still while
	// a laptop sleeps, and tokens do not.
	wait func(ctx context.Context, d time.Duration) error
	log  *slog.Logger
}

const (
	maxTokenAge  = 24 * time.Hour
	minTokenAge  = 10 * time.Second // an issuer whose clock is far behind ours is not to be asked without pause
	maxWait      = time.Minute
	firstBackoff = time.Second
	maxBackoff   = 30 * time.Second
)

// write fetches a token and puts it in place; it returns when to do so again.
func (t *tokenFile) write(ctx context.Context) (expires, next time.Time, err error) {
	asked := t.now()
	token, err := t.fetch(ctx)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	if err := replaceFile(t.path, []byte(token.raw)); err != nil {
		return time.Time{}, time.Time{}, err
	}
	return token.expires, refreshAt(asked, token.expires), nil
}

// refreshAt is when a token asked for at one time and ending at another has to be replaced.
func refreshAt(asked, expires time.Time) time.Time {
	age := expires.Sub(asked) * 4 / 5
	return asked.Add(max(min(age, maxTokenAge), minTokenAge))
}

// keep replaces the token whenever it is due, until ctx ends. A failure is tried again after 1 s, then twice as long up to 30 s; it is
// logged when it begins, when the token in the file has run out, and when it is over.
func (t *tokenFile) keep(ctx context.Context, expires, next time.Time) {
	backoff, runOut := time.Duration(0), false
	for {
		if t.until(ctx, next) != nil {
			return
		}
		newExpires, newNext, err := t.write(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if backoff > 0 {
				t.log.Info("token refreshed again", "expires", newExpires)
			}
			expires, next, backoff, runOut = newExpires, newNext, 0, false
		default:
			if backoff == 0 {
				t.log.Warn("could not refresh the token, trying again", "error", err, "tokenExpires", expires)
			} else if !runOut && !t.now().Before(expires) {
				t.log.Error("the token has expired and could not be refreshed, trying again", "error", err)
				runOut = true
			}
			backoff = min(max(2*backoff, firstBackoff), maxBackoff)
			next = t.now().Add(backoff)
		}
	}
}

// until waits for a time of the wall clock.
func (t *tokenFile) until(ctx context.Context, when time.Time) error {
	for {
		left := when.Sub(t.now().Round(0)) // Round drops the monotonic reading, which does not advance in sleep
		if left <= 0 {
			return ctx.Err()
		}
		if err := t.wait(ctx, min(left, maxWait)); err != nil {
			return err
		}
	}
}

// wallWait is wait on the real clock.
func wallWait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
