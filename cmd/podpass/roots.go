package main

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/podpass/podpass/upstream"
)

// roots are the certificates of AWS_CA_BUNDLE, as every SDK reads it; nil for the system's.
func (a *app) roots() (*x509.CertPool, error) {
	bundle := a.env.get("AWS_CA_BUNDLE")
	if bundle == "" {
		return nil, nil
	}
	pem, err := readCapped(bundle, 4<<20)
	roots := x509.NewCertPool()
	if err == nil && !roots.AppendCertsFromPEM(pem) {
		err = fmt.Errorf("%s holds no certificate", bundle)
	}
	if err != nil {
		return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
	}
	return roots, nil
}

// followingClient believes the certificates of AWS_CA_BUNDLE, as they are when they are needed: for what runs for longer than a CA may last. Where it
// cannot be had, a client is returned all the same, so that other mistakes are found.
func (a *app) followingClient() (*http.Client, error) {
	bundle := a.env.get("AWS_CA_BUNDLE")
	if bundle == "" {
		return upstream.NewHTTPClient(nil), nil
	}
	client, err := upstream.NewHTTPClientFollowing(bundle)
	if err != nil {
		return upstream.NewHTTPClient(nil), fmt.Errorf("AWS_CA_BUNDLE: %w", err)
	}
	return client, nil
}

// serverRoots are the certificates a client of this process's own server believes: the server's, whoever signed it, those of AWS_CA_BUNDLE, and
// the system's. nil is the default.
func (a *app) serverRoots(certificate string) (*x509.CertPool, error) {
	roots, err := a.roots()
	if err != nil || certificate == "" {
		return roots, err
	}
	if roots == nil {
		if roots, err = x509.SystemCertPool(); err != nil {
			roots = x509.NewCertPool() // a machine without certificates has still the server's
		}
	}
	pem, err := os.ReadFile(certificate)
	if err != nil {
		return nil, err
	}
	roots.AppendCertsFromPEM(pem)
	return roots, nil
}
