package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// format is the version of the data directory's layout.
const format = "1"

// minFree is what etcd takes at once for its log, two segments of 64 MB, and some room to live in.
const minFree = 160 << 20

// dataDir is a directory that this process alone uses:
//
//	LOCK      locked while in use; holds the process id
//	VERSION   the format version
//	etcd/     etcd's own
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes, locks and checks a data directory.
func openDataDir(path string, freeSpace func(string) (uint64, error)) (_ *dataDir, err error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "LOCK"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	d := &dataDir{path: path, lock: lock}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(lock.Name())
		return nil, fmt.Errorf("%s: %w (process %s): stop it, or use another --data-dir", path, ErrLocked, strings.TrimSpace(string(holder)))
	}
	if err := d.checkVersion(); err != nil {
		return nil, err
	}
	free, err := freeSpace(path)
	if err != nil {
		return nil, fmt.Errorf("data directory: free space of %s: %w", path, err)
	}
	if free < minFree {
		return nil, fmt.Errorf("%s: %w: %d MB, and podpass needs %d MB to start: make room, or use another --data-dir", path, ErrNoSpace, free>>20, minFree>>20)
	}
	if err := lock.Truncate(0); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if _, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return d, nil
}

// checkVersion reads VERSION, or writes it where nothing is there yet.
func (d *dataDir) checkVersion() error {
	file := filepath.Join(d.path, "VERSION")
	text, err := os.ReadFile(file)
	if err == nil {
		if found := strings.TrimSpace(string(text)); found != format {
			return &VersionError{Dir: d.path, Found: strconv.Quote(found), Want: strconv.Quote(format)}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data directory: %w", err)
	}
	if _, err := os.Stat(d.etcd()); err == nil {
		return &VersionError{Dir: d.path, Found: "unknown (there is no VERSION file)", Want: strconv.Quote(format)}
	}
	// Renamed into place, so that a crash leaves either no file or a whole one.
	if err := os.WriteFile(file+".new", []byte(format+"\n"), 0o600); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

func (d *dataDir) etcd() string { return filepath.Join(d.path, "etcd") }

// close gives the lock back. The file stays: removing it would let two processes lock two files of one name.
func (d *dataDir) close() error { return d.lock.Close() }

func statfs(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}
