package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// privateDir is a directory of mode 0700 that lives as long as its process. It is locked while in use, so that the next podpass run can
// tell the one a killed process left behind and remove it.
type privateDir struct {
	path string
	lock *os.File
}

const privateDirPrefix = "podpass-run-"

// newPrivateDir makes one below base, and removes what dead processes of this user left there.
func newPrivateDir(base string) (*privateDir, error) {
	sweep(base)
	for range 10 {
		path, err := os.MkdirTemp(base, privateDirPrefix+"*")
		if err != nil {
			return nil, err
		}
		lock, err := lockDir(path)
		if err == nil {
			return &privateDir{path, lock}, nil
		}
		// Another podpass run swept the directory between its making and its locking.
		os.RemoveAll(path)
	}
	return nil, fmt.Errorf("could not make a private directory in %s", base)
}

// remove deletes the directory and everything in it.
func (d *privateDir) remove() error {
	err := os.RemoveAll(d.path)
	return errors.Join(err, d.lock.Close())
}

// lockDir takes the exclusive lock of a directory that is still there once it is locked.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	here, err := f.Stat()
	if err == nil {
		var there os.FileInfo
		if there, err = os.Lstat(path); err == nil && !os.SameFile(here, there) {
			err = os.ErrNotExist
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sweep removes the directories below base that belong to this user and that no process holds.
func sweep(base string) {
	left, _ := filepath.Glob(filepath.Join(base, privateDirPrefix+"*"))
	for _, path := range left {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Getuid() {
			continue
		}
		if lock, err := lockDir(path); err == nil {
			os.RemoveAll(path)
			lock.Close()
		}
	}
}
