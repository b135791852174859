//go:build e2e

package processes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a file system of its own, of this many megabytes, that is gone with the test.
func disk(t *testing.T, megabytes string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("podpass-e2e", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700,size="+megabytes+"m"); err != nil {
		t.Fatalf("mounting a tmpfs: %v (this test needs root)", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
			_ = unix.Unmount(dir, unix.MNT_DETACH) // what is left to try
		}
	})
	return dir
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// fill takes all the room there is.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
}

func TestDiskTooSmall(t *testing.T) {
	a := launch(t, disk(t, "40"))
	code, stderr := a.wait()
	if line, ok := <-a.ready; ok {
		t.Errorf("it said %q", line)
	}
	if code != 1 || !strings.Contains(stderr, "podpass: no space left for "+a.dir) || !strings.Contains(stderr, "  try: df -h "+a.dir) {
		t.Errorf("podpass up ended with %d\n%s", code, stderr)
	}
}

func TestFullDisk(t *testing.T) {
	dir := disk(t, "300")
	a := up(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	filler := filepath.Join(dir, "filler")
	var acknowledged []string
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	// Writes are refused where the audit file cannot grow; the process ends only once etcd needs room too, which may take long.
	for round := 0; !a.hasEnded(); round++ {
		for name := range a.createUsers(ctx, fmt.Sprintf("round%d", round)) {
			acknowledged = append(acknowledged, name)
			if len(acknowledged) == 50 {
				fill(t, filler)
			}
		}
		select {
		case <-a.ended:
		case <-again.C:
		case <-ctx.Done():
			t.Log("podpass up refuses and runs on")
			a.kill()
		}
	}
	code, stderr := a.wait()
	if ctx.Err() == nil && (code != 1 || !strings.Contains(stderr, "podpass: no space left for "+dir)) {
		t.Errorf("podpass up ended with %d\n%s", code, stderr)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	a = up(t, dir)
	a.wantUsers(acknowledged)
	a.stop()
}
