package main

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"syscall"

	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/store"
)

// explainStart turns what keeps a server from starting into a line and a way out.
func explainStart(err error, c server.Config) error {
	if err == nil {
		return nil
	}
	dir, elsewhere := c.DataDir, "podpass up --data-dir DIRECTORY"
	var version *store.VersionError
	var network *net.OpError
	var directory *server.DirectoryError
	switch {
	case errors.Is(err, store.ErrLocked):
		return failed(elsewhere+"   # or use the one that runs: . "+shellPath(dir)+"/env", "%s is in use by another podpass", dir)
	case errors.As(err, &version):
		return failed(elsewhere, "%w", version)
	case errors.Is(err, store.ErrNoSpace), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return failed("df -h "+shellPath(dir), "no space left for %s: %w", dir, err)
	case errors.As(err, &network) && errors.Is(err, syscall.EADDRINUSE) && lastAt(dir, network.Addr):
		return failed(elsewhere+" --listen 127.0.0.1:0   # or use the one that runs: . "+shellPath(dir)+"/env",
			"%s is in use, probably by the podpass that was started with %s", network.Addr, dir)
	case errors.As(err, &network) && errors.Is(err, syscall.EADDRINUSE):
		return failed("podpass up --listen 127.0.0.1:0   # or see who has it: ss -ltnp", "%s is in use by another process", network.Addr)
	case errors.As(err, &network) && errors.Is(err, syscall.EADDRNOTAVAIL):
		return failed("ip address", "%s is no address of this machine", network.Addr)
	case errors.As(err, &network):
		return failed("podpass up --listen 127.0.0.1:0", "%w", err)
	case errors.As(err, &directory), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return failed(elsewhere+"   # one you may write to", "%w", err)
	}
	return err
}

// lastAt reports whether the server last started with a data directory listened at an address.
func lastAt(dir string, addr net.Addr) bool {
	file, err := readEnvFile(filepath.Join(dir, "env"))
	if err != nil {
		return false
	}
	at, err := url.Parse(file.get("AWS_ENDPOINT_URL"))
	return err == nil && at.Host == addr.String()
}
