package store

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"
)

// What etcd cannot survive must reach us as an error, end the goroutine it happened on, and leave the process alone.
func TestEtcdsDeathsAreErrors(t *testing.T) {
	for name, die := range map[string]func(*zap.Logger, ...zap.Field){
		"fatal": func(l *zap.Logger, f ...zap.Field) { l.Fatal("failed to save Raft hard state and entries", f...) },
		"panic": func(l *zap.Logger, f ...zap.Field) {
			l.With(zap.Int("x", 1)).Panic("failed to save Raft hard state and entries", f...)
		},
	} {
		var text bytes.Buffer
		log := newEtcdLog(slog.New(slog.NewTextHandler(&text, nil)))
		met := func() {
			done := make(chan struct{})
			go func() {
				defer close(done)
				die(log.zap(), zap.Error(syscall.ENOSPC))
				t.Errorf("%s: went on", name)
			}()
			<-done
		}
		met()
		met() // only the first of several counts
		if err := <-log.fatal; !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", name, err)
		}
		var late error
		log.handOver(func(err error) { late = err })
		met()
		if !errors.Is(late, syscall.ENOSPC) || !strings.Contains(late.Error(), "Raft") {
			t.Errorf("%s: handed over: %v", name, late)
		}
		if !strings.Contains(text.String(), "level=ERROR") || !strings.Contains(text.String(), "no space left") {
			t.Errorf("%s: logged %s", name, &text)
		}
	}
}

func TestEtcdsLog(t *testing.T) {
	var text bytes.Buffer
	log := newEtcdLog(slog.New(slog.NewTextHandler(&text, nil))).zap()
	log.Info("quiet")
	log.Warn("simple token is not cryptographically signed")
	log.With(zap.String("took", "2s")).Warn("slow fdatasync")
	if got := text.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, "took=2s") {
		t.Errorf("logged %q", got)
	}
}
