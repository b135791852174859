package incluster_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/server/incluster"
)

func TestKeeperIsReadyWhenEachDutyHasWorkedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var tries, again atomic.Int32
		var failing atomic.Bool
		failing.Store(true)
		k := incluster.NewKeeper(slog.New(slog.NewTextHandler(&log, nil)),
			incluster.Duty{Name: "hard", Every: time.Minute, Do: func(context.Context) error {
				if tries.Add(1); failing.Load() {
					return errors.New("not so fast")
				}
				return nil
			}},
			incluster.Duty{Name: "easy", Do: func(context.Context) error { again.Add(1); return nil }},
		)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		time.Sleep(10 * time.Second) // of synctest's own time
		synctest.Wait()
		if err := k.Ready(); err == nil || err.Error() != "hard: not so fast" {
			t.Errorf("ready: %v", err)
		}
		if n := tries.Load(); n != 4 { // at 0, 1, 3 and 7 s
			t.Errorf("%d tries in 10 s", n)
		}
		failing.Store(false)
		<-k.Done()
		if err := k.Ready(); err != nil {
			t.Error(err)
		}
		done := tries.Load()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if n := tries.Load(); n != done {
			t.Errorf("done %d times more within its minute", n-done)
		}
		failing.Store(true)
		time.Sleep(time.Hour)
		synctest.Wait()
		if err := k.Ready(); err != nil {
			t.Errorf("what failed later undid what was done: %v", err)
		}
		if n := again.Load(); n != 1 {
			t.Errorf("a duty to be done once was done %d times", n)
		}
		if n := strings.Count(log.String(), "not so fast"); n != 2 {
			t.Errorf("the failure was logged %d times, want once each time it began:\n%s", n, &log)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestKeeperWithNothingToDo(t *testing.T) {
	k := incluster.NewKeeper(slog.New(slog.DiscardHandler))
	<-k.Done()
	if err := errors.Join(k.Ready(), k.Run(t.Context())); err != nil {
		t.Error(err)
	}
}
