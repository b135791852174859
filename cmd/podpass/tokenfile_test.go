package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeKeeper runs a tokenFile against a clock that only moves when the keeper waits, until it has waited through a given time.
type fakeKeeper struct {
	start, now, stop time.Time
	life             time.Duration
	down             func(since time.Duration) bool // the issuer is down
	fetched          []time.Duration                // since start
	refused          []time.Duration
	log              bytes.Buffer
	file             *tokenFile
}

func newFakeKeeper(t *testing.T, life, run time.Duration) *fakeKeeper {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	k := &fakeKeeper{start: start, now: start, stop: start.Add(run), life: life, down: func(time.Duration) bool { return false }}
	k.file = &tokenFile{
		path: filepath.Join(t.TempDir(), "token"),
		now:  func() time.Time { return k.now },
		fetch: func(context.Context) (issuedToken, error) {
			since := k.now.Sub(start)
			if k.down(since) {
				k.refused = append(k.refused, since)
				return issuedToken{}, errors.New("connection refused")
			}
			k.fetched = append(k.fetched, since)
			return issuedToken{raw: fmt.Sprintf("token-%d", len(k.fetched)), expires: k.now.Add(k.life)}, nil
		},
		wait: func(_ context.Context, d time.Duration) error {
			if d > maxWait {
				return fmt.Errorf("waited %v at once", d)
			}
			if k.now = k.now.Add(d); k.now.After(k.stop) {
				return context.Canceled
			}
			return nil
		},
		log: slog.New(slog.NewTextHandler(&k.log, nil)),
	}
	return k
}

func (k *fakeKeeper) run(t *testing.T) {
	t.Helper()
	expires, next, err := k.file.write(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.file.keep(t.Context(), expires, next)
}

func TestTokenIsReplacedAsKubeletDoes(t *testing.T) {
	for _, c := range []struct {
		name      string
		life, run time.Duration
		want      []time.Duration
	}{
		{"80 % of an hour", time.Hour, 3 * time.Hour, []time.Duration{0, 48 * time.Minute, 96 * time.Minute, 144 * time.Minute}},
		{"a day", 24 * time.Hour, 40 * time.Hour, []time.Duration{0, 19*time.Hour + 12*time.Minute, 38*time.Hour + 24*time.Minute}},
		{"24 h of a week", 7 * 24 * time.Hour, 50 * time.Hour, []time.Duration{0, 24 * time.Hour, 48 * time.Hour}},
		{"ten minutes", 10 * time.Minute, 17 * time.Minute, []time.Duration{0, 8 * time.Minute, 16 * time.Minute}},
		{"an issuer whose clock is behind", -time.Hour, 25 * time.Second, []time.Duration{0, 10 * time.Second, 20 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newFakeKeeper(t, c.life, c.run)
			k.run(t)
			if diff := cmp.Diff(c.want, k.fetched); diff != "" {
				t.Error(diff)
			}
			content, err := os.ReadFile(k.file.path)
			if err != nil || string(content) != fmt.Sprintf("token-%d", len(k.fetched)) {
				t.Errorf("file holds %q, %v", content, err)
			}
		})
	}
}

// Sleep: the timer comes a minute of its own time after the laptop was closed; the wall clock then says the token is long due.
func TestTokenIsReplacedAfterSleep(t *testing.T) {
	k := newFakeKeeper(t, time.Hour, 6*time.Hour)
	first := true
	wait := k.file.wait
	k.file.wait = func(ctx context.Context, d time.Duration) error {
		if first {
			first = false
			k.now = k.now.Add(5 * time.Hour)
		}
		return wait(ctx, d)
	}
	k.run(t)
	if diff := cmp.Diff([]time.Duration{0, 5*time.Hour + time.Minute, 5*time.Hour + 49*time.Minute}, k.fetched); diff != "" {
		t.Error(diff)
	}
}

func TestTokenIsFetchedAgainAfterAFailure(t *testing.T) {
	k := newFakeKeeper(t, 10*time.Minute, 15*time.Minute)
	k.down = func(since time.Duration) bool { return since >= 8*time.Minute && since < 11*time.Minute }
	k.run(t)
	s := time.Second
	var want []time.Duration
	for _, after := range []time.Duration{0, s, 3 * s, 7 * s, 15 * s, 31 * s, 61 * s, 91 * s, 121 * s, 151 * s} {
		want = append(want, 8*time.Minute+after)
	}
	if diff := cmp.Diff(want, k.refused); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{0, 8*time.Minute + 181*s}, k.fetched); diff != "" {
		t.Error(diff)
	}
	if lines := strings.Count(k.log.String(), "\n"); lines != 3 {
		t.Errorf("want three lines of log (begun, run out, over), got %d:\n%s", lines, &k.log)
	}
}

func TestTokenFile(t *testing.T) {
	k := newFakeKeeper(t, time.Hour, 0)
	k.run(t)
	info, err := os.Stat(k.file.path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	content, _ := os.ReadFile(k.file.path)
	if string(content) != "token-1" {
		t.Errorf("file holds %q: SDKs send it as it is, newline included", content)
	}
	k.down = func(time.Duration) bool { return true }
	if _, _, err := k.file.write(t.Context()); err == nil {
		t.Error("a failure was not reported")
	}
	if again, _ := os.ReadFile(k.file.path); !bytes.Equal(content, again) {
		t.Errorf("a failed refresh changed the file to %q", again)
	}
}
