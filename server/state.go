package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

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

func etcdTLS(c Config) (*tls.Config, error) {
	if c.EtcdCA == "" && c.EtcdCert == "" {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.EtcdCA != "" {
		pem, err := os.ReadFile(c.EtcdCA)
		if err != nil {
			return nil, err
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no PEM certificate", c.EtcdCA)
		}
	}
	if c.EtcdCert != "" {
		cert, err := tls.LoadX509KeyPair(c.EtcdCert, c.EtcdKey)
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{cert}
	}
	return t, nil
}
