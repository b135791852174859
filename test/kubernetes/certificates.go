package kubernetes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"path/filepath"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// authority is what a node's components trust each other by: ca.crt and ca.key in its directory, and what they signed.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(dir string) (*authority, error) {
	a := &authority{dir: dir}
	root := &x509.Certificate{
		Subject: pkix.Name{CommonName: "kubernetes"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	var err error
	if a.cert, a.key, err = a.issue("ca", root); err != nil {
		return nil, err
	}
	return a, nil
}

// issue writes a certificate and its key to NAME.crt and NAME.key.
func (a *authority) issue(name string, of *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if of.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, nil, err
	}
	of.NotBefore, of.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(7*24*time.Hour)
	parent, signer := a.cert, a.key
	if of.IsCA {
		parent, signer = of, key
	}
	der, err := x509.CreateCertificate(rand.Reader, of, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, nil, err
	}
	if err := writePEM(a.file(name+".crt"), "CERTIFICATE", der); err != nil {
		return nil, nil, err
	}
	if err := writeKey(a.file(name+".key"), key); err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// server issues NAME.crt and NAME.key for what listens at these addresses under these names.
func (a *authority) server(name string, addresses []string, names ...string) error {
	cert := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: names,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, address := range addresses {
		cert.IPAddresses = append(cert.IPAddresses, net.ParseIP(address))
	}
	_, _, err := a.issue(name, cert)
	return err
}

// client issues NAME.crt and NAME.key for a user, and NAME.kubeconfig with which it reaches the API server.
func (a *authority) client(name, user string, groups ...string) error {
	cert := &x509.Certificate{
		Subject:  pkix.Name{CommonName: user, Organization: groups},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if _, _, err := a.issue(name, cert); err != nil {
		return err
	}
	info := &clientcmdapi.AuthInfo{ClientCertificate: a.file(name + ".crt"), ClientKey: a.file(name + ".key")}
	return writeKubeconfig(a.kubeconfig(name), apiServer, a.file("ca.crt"), info)
}

func (a *authority) kubeconfig(name string) string { return a.file(name + ".kubeconfig") }
