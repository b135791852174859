package storetest

import (
	"log/slog"
	"testing"

	"github.com/podpass/podpass/store"
)

// Open is an embedded store in a directory of the test's own, closed when the test ends. Options change its configuration.
func Open(t testing.TB, options ...func(*store.Config)) *store.Store {
	t.Helper()
	c := store.Config{DataDir: t.TempDir(), NoSync: true, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, option := range options {
		option(&c)
	}
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
