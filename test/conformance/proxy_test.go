package conformance_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// upTLS is up with a certificate for AWS's own STS names and loopback, and the file of the CA that clients are to trust.
func upTLS(t *testing.T) (a *authority, ca string) {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "podpass conformance"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"sts.us-west-2.amazonaws.com", "sts.amazonaws.com", "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca = write("tls.crt", "CERTIFICATE", der)
	return up(t, "--tls-cert", ca, "--tls-key", write("tls.key", "PRIVATE KEY", pkcs8)), ca
}

// proxy leads AWS's STS names to podpass and refuses every other name, so that no test can reach the real AWS.
type proxy struct {
	url     string
	tunnels atomic.Int32
}

func (p *proxy) used() bool { return p.tunnels.Load() > 0 }

func stsProxy(t *testing.T, a *authority) *proxy {
	t.Helper()
	endpoint, err := url.Parse(a.endpoint())
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || !strings.HasPrefix(r.Host, "sts.") {
			http.Error(w, "not a name of this test: "+r.Host, http.StatusForbidden)
			return
		}
		upstream, err := net.Dial("tcp", endpoint.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer upstream.Close()
		p.tunnels.Add(1)
		downstream, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer downstream.Close()
		io.WriteString(downstream, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			io.Copy(upstream, buffered)
			upstream.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(downstream, upstream)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}
