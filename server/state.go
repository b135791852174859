package server

import (
	"context"
	"crypto/tls"
	"os"

	"github.com/podpass/podpass/store"
)

// DirectoryError says that the data directory could not be made.
type DirectoryError struct{ Err error }

func (d *DirectoryError) Error() string { return d.Err.Error() }

// Unwrap is the file system's own error.
func (d *DirectoryError) Unwrap() error { return d.Err }

// openStore opens the embedded etcd, or the external one where endpoints are given. What ends the embedded one from within, such as a full
// disk, arrives on fatal.
func openStore(ctx context.Context, c Config, fatal chan<- error) (*store.Store, error) {
	// With an external etcd, too: the audit file and the administrator's keys are in it.
	if c.DataDir != "" {
		if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
			return nil, &DirectoryError{err}
		}
	}
	external, err := etcdTLS(c)
	if err != nil {
		return nil, err
	}
	sc := store.Config{
		Endpoints: c.EtcdEndpoints, TLS: external, Now: c.Now, Random: c.Random, Logger: c.Logger,
		OnFatal: func(err error) {
			select {
			case fatal <- err:
			default: // the first reason is the one that counts
			}
		},
	}
	if len(c.EtcdEndpoints) == 0 {
		sc.DataDir = c.DataDir
	}
	return store.Open(ctx, sc)
}

// etcdTLS is nil where no file is named: plain HTTP, or HTTPS with the system's roots, as the endpoints say.
func etcdTLS(c Config) (*tls.Config, error) {
	if c.EtcdCA == "" && c.EtcdCert == "" && c.EtcdKey == "" {
		return nil, nil
	}
	return store.LoadTLS(c.EtcdCA, c.EtcdCert, c.EtcdKey)
}
