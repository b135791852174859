package upstream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/upstream"
)

// selfSigned is a server with a certificate no other has, and that certificate.
func selfSigned(t *testing.T) (url string, certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// replace puts another file under the name, as kubelet does with a mounted ConfigMap's.
func replace(t *testing.T, file string, content []byte) {
	t.Helper()
	next := file + ".next"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
}

// A CA that is rotated is followed, and one that is gone from the file is believed no more, also over connections that were made before.
func TestClientFollowsItsRoots(t *testing.T) {
	first, firstRoot := selfSigned(t)
	second, secondRoot := selfSigned(t)
	file := filepath.Join(t.TempDir(), "ca.crt")
	replace(t, file, firstRoot)
	client, err := upstream.NewHTTPClientFollowing(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	believes := func(when string, want map[string]bool) {
		t.Helper()
		for url, ok := range want {
			res, err := client.Get(url)
			if err == nil {
				res.Body.Close()
			}
			if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "certificate") {
				t.Errorf("%s: %s: %v", when, url, err)
			}
		}
	}
	believes("at first", map[string]bool{first: true, second: false})
	replace(t, file, append(firstRoot, secondRoot...))
	believes("with both", map[string]bool{first: true, second: true})
	replace(t, file, secondRoot)
	believes("rotated", map[string]bool{first: false, second: true})
	replace(t, file, []byte("half a certif"))
	believes("with nonsense in the file", map[string]bool{first: false, second: true})
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	believes("without a file", map[string]bool{first: false, second: true})
	replace(t, file, firstRoot)
	believes("back", map[string]bool{first: true, second: false})
}

func TestClientNeedsRootsAtFirst(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	replace(t, empty, []byte("# none\n"))
	for _, file := range []string{empty, filepath.Join(dir, "nowhere"), dir} {
		if _, err := upstream.NewHTTPClientFollowing(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
