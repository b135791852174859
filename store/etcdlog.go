package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// etcdLog passes etcd's warnings on to our log, and turns its deaths into errors. etcd ends the process when it cannot go on, for one when its log
// does not fit on the disk; a library must not. Its logger's hooks end the goroutine that met the condition instead, so that nothing behind that point
// is done, and say why.
type etcdLog struct {
	log   *slog.Logger
	fatal chan error // the first death before handOver
	to    atomic.Pointer[func(error)]
	once  sync.Once
}

func newEtcdLog(log *slog.Logger) *etcdLog {
	return &etcdLog{log: log.With("component", "etcd"), fatal: make(chan error, 1)}
}

func (l *etcdLog) zap() *zap.Logger {
	return zap.New(etcdCore{log: l.log, level: zapcore.WarnLevel}, zap.WithFatalHook(death{l}), zap.WithPanicHook(death{l}))
}

// handOver has later deaths told to f.
func (l *etcdLog) handOver(f func(error)) { l.to.Store(&f) }

func (l *etcdLog) died(err error) {
	if f := l.to.Load(); f != nil {
		(*f)(err)
		return
	}
	l.once.Do(func() { l.fatal <- err })
}

// death is the hook of fatal and panic entries.
type death struct{ log *etcdLog }

func (d death) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	err := errors.New(entry.Message)
	for _, f := range fields {
		if cause, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType {
			err = fmt.Errorf("%s: %w", entry.Message, cause)
		}
	}
	d.log.died(err)
	zapcore.WriteThenGoexit.OnWrite(entry, fields)
}

// etcdCore writes zap entries to slog.
type etcdCore struct {
	log   *slog.Logger
	level zapcore.Level
	with  []zapcore.Field
}

func (c etcdCore) Enabled(level zapcore.Level) bool { return level >= c.level }

func (c etcdCore) With(fields []zapcore.Field) zapcore.Core {
	c.with = append(c.with[:len(c.with):len(c.with)], fields...)
	return c
}

func (c etcdCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

func (c etcdCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range append(c.with[:len(c.with):len(c.with)], fields...) {
		f.AddTo(values)
	}
	attributes := make([]any, 0, 2*len(values.Fields))
	for name, value := range values.Fields {
		attributes = append(attributes, slog.Any(name, value))
	}
	level := slog.LevelWarn
	switch {
	case harmless(entry.Message):
		level = slog.LevelDebug
	case entry.Level > zapcore.WarnLevel:
		level = slog.LevelError
	}
	c.log.Log(context.Background(), level, entry.Message, attributes...)
	return nil
}

// harmless is what etcd warns of at every start or at the first, and what does not concern a member nobody but this process speaks to.
func harmless(message string) bool {
	switch message {
	case "Running http and grpc server on single port. This is not recommended for production.",
		"simple token is not cryptographically signed", "Failed to detect schema version", "failed to update storage version",
		"Failed to detect storage schema version. Please wait till wal snapshot before upgrading cluster.":
		return true
	}
	return strings.Contains(message, "cannot campaign at term") // its election waits for what it has yet to apply of its log
}

func (c etcdCore) Sync() error { return nil }
