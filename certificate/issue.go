package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// backdated is how far behind a client's clock may be.
const backdated = time.Hour

// authority is a CA with its key.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(now time.Time, validity time.Duration) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		// The serial is in the name because clients find a certificate's CA by name: two CAs of one name would have to be tried in turn, and
		// some TLS libraries try the first only.
		Subject:               pkix.Name{Organization: []string{"podpass"}, CommonName: "podpass CA " + serial.Text(36)},
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(validity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate: parsed, key: key}, nil
}

// issue returns a serving certificate. It does not outlive its CA.
func (a *authority) issue(now time.Time, validity time.Duration, names []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: []string{"podpass"}},
		DNSNames:              names,
		NotBefore:             now.Add(-backdated),
		NotAfter:              a.until(now, validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// until is when a certificate issued now ends. X.509 knows whole seconds.
func (a *authority) until(now time.Time, validity time.Duration) time.Time {
	end := now.Add(validity).Truncate(time.Second)
	if end.After(a.certificate.NotAfter) {
		return a.certificate.NotAfter
	}
	return end
}

// aged says whether no more than a third of the certificate's life is left.
func aged(c *x509.Certificate, now time.Time) bool {
	life := c.NotAfter.Sub(c.NotBefore)
	return !now.Before(c.NotAfter.Add(-life / 3))
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// bundle is the CAs that clients are to trust, newest first.
type bundle []*x509.Certificate

func (b bundle) has(c *x509.Certificate) bool {
	return slices.ContainsFunc(b, c.Equal)
}

// issuer is the CA that signed the certificate; nil where none of the bundle did.
func (b bundle) issuer(c *x509.Certificate) *x509.Certificate {
	for _, ca := range b {
		if c.CheckSignatureFrom(ca) == nil {
			return ca
		}
	}
	return nil
}

func (b bundle) pem() []byte {
	var out bytes.Buffer
	for _, c := range b {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return out.Bytes()
}

func keyPEM(key any) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func parseKey(data []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a PKCS #8 private key") // the parser's own words might quote it
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T and no ECDSA key", key)
	}
	return ec, nil
}
