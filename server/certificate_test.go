package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/podpass/podpass/podpasstest"
)

// pair is a certificate with a serial number, and its key, in PEM.
func pair(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"podpass"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// serves is the serial number of the certificate a server shows, 0 if it shows none.
func serves(t *testing.T, url string) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err != nil {
		return 0
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// Files are replaced as kubelet does it: a link is moved to another directory, for both at once.
func TestCertificateFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	put := func(version string, cert, key []byte) {
		t.Helper()
		err := os.Mkdir(filepath.Join(dir, version), 0o700)
		for name, content := range map[string][]byte{"tls.crt": cert, "tls.key": key} {
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, version, name), content, 0o600))
		}
		err = errors.Join(err, os.Symlink(version, filepath.Join(dir, "next")), os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "now")))
		if err != nil {
			t.Fatal(err)
		}
	}
	cert, key := pair(t, 1)
	put("1", cert, key)
	var log bytes.Buffer
	clock := &podpasstest.Clock{}
	c := config(t)
	c.TLSCert, c.TLSKey, c.Now, c.Logger = filepath.Join(dir, "now/tls.crt"), filepath.Join(dir, "now/tls.key"), clock.Now, slog.New(slog.NewTextHandler(&log, nil))
	s := run(t, c)
	for _, step := range []struct {
		change func()
		later  time.Duration
		want   int64
	}{
		{func() {}, 0, 1},
		{func() { put("2", first(pair(t, 2)), second(pair(t, 3))) }, time.Minute, 1}, // a key that isn't the certificate's
		{func() { cert, key = pair(t, 4); put("3", cert, key) }, time.Minute, 4},
		{func() { os.Remove(filepath.Join(dir, "now")) }, time.Minute, 4},
		{func() { cert, key = pair(t, 5); put("4", cert, key) }, time.Minute, 5},
		{func() {}, time.Minute, 5},
	} {
		step.change()
		clock.Advance(step.later)
		if got := serves(t, s.URL()); got != step.want {
			t.Fatalf("serves certificate %d, want %d\n%s", got, step.want, &log)
		}
	}
}

func first(a, _ []byte) []byte  { return a }
func second(_, b []byte) []byte { return b }

// Something else keeps the certificate: before there is one, nobody is answered over TLS or without it.
func TestCertificateKeptElsewhere(t *testing.T) {
	var kept atomic.Pointer[tls.Certificate]
	c := config(t)
	c.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if now := kept.Load(); now != nil {
			return now, nil
		}
		return nil, errors.New("not yet")
	}
	c.Ready = func() error {
		if kept.Load() == nil {
			return errors.New("certificate: not yet")
		}
		return nil
	}
	s := run(t, c)
	if got := serves(t, s.URL()); got != 0 || !strings.HasPrefix(s.URL(), "https://") {
		t.Errorf("%s serves certificate %d", s.URL(), got)
	}
	if status, body := get(t, s.AdminURL()+"/readyz"); status != 503 || !strings.Contains(body, "not ready: certificate: not yet") {
		t.Errorf("%d %s", status, body)
	}
	made, err := tls.X509KeyPair(pair(t, 7))
	if err != nil {
		t.Fatal(err)
	}
	kept.Store(&made)
	if got := serves(t, s.URL()); got != 7 {
		t.Errorf("serves certificate %d", got)
	}
	if status, _ := get(t, s.AdminURL()+"/readyz"); status != 200 {
		t.Errorf("%d", status)
	}
}
