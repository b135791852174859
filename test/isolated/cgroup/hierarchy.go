package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// hierarchy is a mounted cgroup file system: the one of v2, or one of v1.
type hierarchy struct{ mount, kind, controllers string }

// enable has groups below the root of cgroup v2 get every controller there is, which a kubelet insists on. Whoever runs containers on a machine does that;
// it limits nobody.
func (h hierarchy) enable() error {
	if h.kind != "cgroup2" {
		return nil
	}
	controllers, err := os.ReadFile(filepath.Join(h.mount, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(controllers)) {
		if err := os.WriteFile(filepath.Join(h.mount, "cgroup.subtree_control"), []byte("+"+name), 0); err != nil {
			return fmt.Errorf("enabling the controller %s: %w", name, err)
		}
	}
	return nil
}

// below are the directories of a group, it first.
func (h hierarchy) below(name string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(filepath.Join(h.mount, name), func(path string, entry fs.DirEntry, err error) error {
		if gone(err) {
			return nil
		}
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	return dirs, err
}

// gone says that a group was removed while we looked.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }
