package audit_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/audit"
)

func open(t *testing.T) (*audit.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f, err := audit.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, path
}

func TestFileWritesOneLineAnEvent(t *testing.T) {
	f, path := open(t)
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := f.Record(audit.Event{Service: "sts", RequestID: fmt.Sprintf("%d-%d", w, i), Reason: "two\nlines"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v; want 0600", info.Mode(), err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e audit.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		seen[e.RequestID] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d distinct events, want %d", len(seen), writers*each)
	}
}

func TestOpenFileEndsALineCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte(`{"service":"sts","accessKeyId":"ASIAX`), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := audit.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := audit.Event{Service: "sts", Action: "AssumeRole", Outcome: audit.Allowed, AccessKeyID: "ASIAY", Time: time.Unix(1, 0).UTC()}
	if err := f.Record(want); err != nil {
		t.Fatal(err)
	}
	got, ok, err := audit.Search(path, "ASIAY")
	if err != nil || !ok {
		t.Fatalf("Search = %v, %v", ok, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, ok, _ := audit.Search(path, "ASIAX"); ok {
		t.Error("the line cut short was found")
	}
}

// RLIMIT_FSIZE stands for a full disk: a write past it is cut short, then refused.
func TestFileRecoversFromAFullDisk(t *testing.T) {
	f, path := open(t)
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var unlimited syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	full := unlimited
	full.Cur = 300
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	kept, lost := 0, 0
	for i := range 5 {
		if err := f.Record(audit.Event{AccessKeyID: fmt.Sprint("K", i), Reason: strings.Repeat("x", 60)}); err == nil {
			kept++
		} else {
			lost++
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	if err := f.Record(audit.Event{AccessKeyID: "after"}); err != nil {
		t.Fatal(err)
	}
	if kept == 0 || lost == 0 {
		t.Fatalf("%d kept, %d lost: the limit did not cut in the middle", kept, lost)
	}
	for i := range 5 {
		if _, ok, err := audit.Search(path, fmt.Sprint("K", i)); err != nil || ok != (i < kept) {
			t.Errorf("event %d: found %v, %v; %d were acknowledged", i, ok, err, kept)
		}
	}
	if _, ok, err := audit.Search(path, "after"); err != nil || !ok {
		t.Errorf("the event after the full disk: %v, %v", ok, err)
	}
}

type failing struct{}

func (failing) Record(audit.Event) error { return errors.New("disk full") }

func TestRecentForgetsTheOldestAndSearchesTheFile(t *testing.T) {
	f, path := open(t)
	inMemory := audit.NewRecent(f, 2, "")
	withFile := audit.NewRecent(inMemory, 2, path)
	for _, id := range []string{"A", "B", "", "C"} {
		if err := withFile.Record(audit.Event{AccessKeyID: id, Role: "role-" + id}); err != nil {
			t.Fatal(err)
		}
	}
	for id, remembered := range map[string]bool{"A": false, "B": true, "C": true, "": false} {
		if _, ok := inMemory.Whois(id); ok != remembered {
			t.Errorf("memory: Whois(%q) = %v, want %v", id, ok, remembered)
		}
	}
	if e, ok := withFile.Whois("A"); !ok || e.Role != "role-A" {
		t.Errorf("file: Whois(A) = %v, %v", e, ok)
	}
	broken := audit.NewRecent(failing{}, 2, "")
	if err := broken.Record(audit.Event{AccessKeyID: "D"}); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Record = %v, want the sink's error", err)
	}
	if _, ok := broken.Whois("D"); ok {
		t.Error("an event that was not written is remembered")
	}
}
