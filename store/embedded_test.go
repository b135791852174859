package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

func TestEmbedded(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Config { return store.Config{DataDir: t.TempDir(), NoSync: true} })
}

func TestDataDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "podpass")
	s, err := store.Open(t.Context(), store.Config{DataDir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v", info.Mode(), err)
	}
	_, err = store.Open(t.Context(), store.Config{DataDir: dir, NoSync: true})
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, found := range []string{`"7"`, "unknown"} {
		_, err := store.Open(t.Context(), store.Config{DataDir: dir, NoSync: true})
		var version *store.VersionError
		if !errors.As(err, &version) || !strings.Contains(version.Found, found) || version.Want != `"1"` || version.Dir != dir {
			t.Errorf("format %s: %v", found, err)
		}
		if err := os.Remove(filepath.Join(dir, "VERSION")); err != nil && found == `"7"` {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := func(got string) (uint64, error) {
		if got != dir {
			t.Errorf("asked for the space under %s", got)
		}
		return 10 << 20, nil
	}
	_, err = store.Open(t.Context(), store.Config{DataDir: dir, NoSync: true, FreeSpace: full})
	if !errors.Is(err, store.ErrNoSpace) || !strings.Contains(err.Error(), "10 MB") || !strings.Contains(err.Error(), dir) {
		t.Errorf("on a full disk: %v", err)
	}
	_, err = store.Open(t.Context(), store.Config{DataDir: filepath.Join(dir, "VERSION"), NoSync: true})
	if err == nil {
		t.Error("opened a file")
	}
	s, err = store.Open(t.Context(), store.Config{DataDir: dir, NoSync: true})
	if err != nil {
		t.Fatalf("after all these failures: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestABrokenRecordIsNotPassedOver(t *testing.T) {
	cluster := storetest.StartCluster(t, 1, nil)
	for _, key := range []string{"roles/x", "unheardof/x"} {
		cluster.Clear(t)
		failed := make(chan error, 1)
		s := storetest.Open(t, func(c *store.Config) {
			*c = store.Config{Endpoints: cluster.Endpoints, OnFatal: func(err error) { failed <- err }}
		})
		if _, err := cluster.Client.Put(t.Context(), store.Prefix+key, "{"); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; !strings.Contains(err.Error(), key) || s.Check() != err {
			t.Errorf("%s: failed with %v, check says %v", key, err, s.Check())
		}
		if s, err := store.Open(t.Context(), store.Config{Endpoints: cluster.Endpoints}); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: opened: %v", key, err)
			s.Close()
		}
	}
}

// TestMain makes this binary the process TestKillNine kills, where it is asked to be.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PODPASS_TEST_WRITE_TO"); dir != "" {
		if err := writeForever(dir, os.Getenv("PODPASS_TEST_ROUND")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeForever prints every key it has written once that is acknowledged.
func writeForever(dir, round string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{DataDir: dir})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("%s/%d", round, i)
		if _, err := s.Roles.Update(ctx, key, func(*store.Role) (*store.Role, error) { return &store.Role{Name: key}, nil }); err != nil {
			return err
		}
		fmt.Println(key)
	}
}

func TestKillNine(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []string
	for round := range 5 {
		writer := exec.CommandContext(t.Context(), os.Args[0])
		writer.Env = append(os.Environ(), "PODPASS_TEST_WRITE_TO="+dir, fmt.Sprintf("PODPASS_TEST_ROUND=%d", round))
		writer.Stderr = t.Output()
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 50*(round+1) && lines.Scan(); n++ {
			acknowledged = append(acknowledged, lines.Text())
		}
		if err := writer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it had printed before it died
			if text := lines.Text(); strings.HasPrefix(text, fmt.Sprintf("%d/", round)) {
				acknowledged = append(acknowledged, text)
			}
		}
		_ = writer.Wait() // killed
		if len(acknowledged) < 50*(round+1) {
			t.Fatalf("round %d: the writer stopped after %d writes in all", round, len(acknowledged))
		}

		s, err := store.Open(t.Context(), store.Config{DataDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range acknowledged {
			if r, ok := s.Roles.Get(key); !ok || r.Name != key {
				t.Errorf("round %d: %s was acknowledged and is lost", round, key)
			}
		}
		// The dead process's place in the write barrier must not hold anybody up.
		setMaxSession(t, s, round)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d acknowledged writes", len(acknowledged))
}

// Webhooks outlive a server that is started again: it waits for those it had until their leases end.
func TestMembersOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	open := func() *store.Store {
		s, err := store.Open(t.Context(), store.Config{DataDir: dir, NoSync: true, Lease: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if _, err := s.RenewMember(t.Context(), "x", "w", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer s.Close()
	if got := s.AssociationEffect("x", "a-none"); got.Webhooks != 1 || got.Servers != 1 {
		t.Errorf("after a restart: %+v", got)
	}
	if _, err := s.RenewMember(t.Context(), "x", "w", 0); err != nil {
		t.Errorf("the webhook goes on: %v", err)
	}
}
