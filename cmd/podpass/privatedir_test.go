package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPrivateDir(t *testing.T) {
	base := t.TempDir()
	dir, err := newPrivateDir(base)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir.path); err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// What a killed process left, what is not ours to remove, and what is in use.
	left := filepath.Join(base, privateDirPrefix+"1")
	file := filepath.Join(base, privateDirPrefix+"file")
	other := filepath.Join(base, "other")
	link := filepath.Join(base, privateDirPrefix+"link")
	for _, err := range []error{
		os.Mkdir(left, 0o700), os.WriteFile(filepath.Join(left, "token"), []byte("x"), 0o600),
		os.WriteFile(file, nil, 0o600), os.Mkdir(other, 0o700), os.Symlink(other, link),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	second, err := newPrivateDir(base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(left); !os.IsNotExist(err) {
		t.Errorf("%s was left: %v", left, err)
	}
	for _, path := range []string{dir.path, file, other, link} {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
	for _, d := range []*privateDir{dir, second} {
		if err := d.remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(d.path); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", d.path, err)
		}
	}
	if _, err := newPrivateDir(filepath.Join(base, "none")); err == nil {
		t.Error("made a directory in one that does not exist")
	}
}
