package server

import (
	"context"
	"crypto/tls"

	"github.com/podpass/podpass/store"
)

// openStore opens the embedded etcd, or the external one where endpoints are given. What ends the embedded one from within, such as a full
// disk, arrives on fatal.
func openStore(ctx context.Context, c Config, fatal chan<- error) (*store.Store, error) {
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
