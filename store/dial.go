package store

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// dial connects to an external cluster. A dead connection is found well within a lease.
func dial(c Config) (*clientv3.Client, error) {
	secure := 0
	for _, endpoint := range c.Endpoints {
		switch {
		case strings.HasPrefix(endpoint, "https://"):
			secure++
		case !strings.HasPrefix(endpoint, "http://"):
			return nil, fmt.Errorf("etcd endpoint %q must begin with http:// or https://", endpoint)
		}
	}
	// With both, the client would send to some of them in the clear what it encrypts for the others.
	if secure != 0 && secure != len(c.Endpoints) || secure == 0 && c.TLS != nil {
		return nil, errors.New("etcd endpoints must all be https:// or, without certificates, all http://")
	}
	config := c.TLS
	if secure != 0 && config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: c.Endpoints, TLS: config, Logger: zap.NewNop(),
		DialTimeout: commitTimeout, DialKeepAliveTime: max(c.Lease/2, time.Second), DialKeepAliveTimeout: c.Lease / 2, PermitWithoutStream: true,
		MaxCallRecvMsgSize: 256 << 20,
	})
	if err != nil {
		return nil, unavailable("connect to etcd", err)
	}
	return client, nil
}

// LoadTLS reads the files of --etcd-ca, --etcd-cert and --etcd-key, each PEM. An empty ca means the system's roots; cert and key, of the client, come
// together or not at all.
func LoadTLS(ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("etcd CA: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("etcd CA: %s holds no PEM certificate", ca)
		}
	}
	if (cert == "") != (key == "") {
		return nil, errors.New("etcd client certificate: give both the certificate and its key")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("etcd client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
