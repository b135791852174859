package handover

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// trusted refuses whoever is neither us nor root. The kernel says who it is, in our own user namespace.
func trusted(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var asked error
	if err := raw.Control(func(fd uintptr) { peer, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if asked != nil {
		return asked
	}
	if peer.Uid != 0 && int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("the other side is user %d", peer.Uid)
	}
	return nil
}

// privateDirectory makes the directory of the socket, or checks that it is ours alone. One made by kubelet for a hostPath volume is open to be
// listed, and is closed here; one that anybody may write to, or that holds more than our sockets, is somebody's (/tmp, /run) and is left as it is.
func privateDirectory(path string) error {
	dir, own := filepath.Split(path)
	dir = filepath.Clean(dir)
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s must be a directory of this user or of root", dir)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		if open&0o022 != 0 {
			return fmt.Errorf("%s can be written to by others: give the socket a directory of its own", dir)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), own) {
				return fmt.Errorf("%s holds %s and must have mode 0700: give the socket a directory of its own", dir, e.Name())
			}
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("%s must have mode 0700: %w", dir, err)
		}
	}
	return nil
}
