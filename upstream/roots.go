package upstream

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// maxBundle bounds a file of root certificates; the largest in use, a distribution's, has some 250 KB.
const maxBundle = 4 << 20

// NewHTTPClientFollowing is NewHTTPClient with the root certificates in a file (PEM), which is read again when it was replaced: a server that makes
// its own certificates rotates its CA too, and its clients have the new one in a mounted ConfigMap before the server shows it. What cannot be
// read then changes nothing; at first it is an error.
func NewHTTPClientFollowing(bundle string) (*http.Client, error) {
	f := &following{file: bundle}
	if err := f.read(); err != nil {
		return nil, err
	}
	return httpClient(f), nil
}

// following has another transport for each state of the file: connections made under the roots before must not be used any more.
type following struct {
	file string

	mu      sync.Mutex
	seen    os.FileInfo // of what was read, or tried, last
	current bounded
}

func (f *following) RoundTrip(r *http.Request) (*http.Response, error) {
	return f.transport().RoundTrip(r)
}

// CloseIdleConnections is what http.Client's calls.
func (f *following) CloseIdleConnections() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current.CloseIdleConnections()
}

// transport looks at the file each time: it costs a microsecond of a call that takes a thousand.
func (f *following) transport() bounded {
	now, err := os.Stat(f.file)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && !(os.SameFile(now, f.seen) && now.ModTime().Equal(f.seen.ModTime()) && now.Size() == f.seen.Size()) {
		f.seen = now
		_ = f.read() // the roots there are stand
	}
	return f.current
}

// read needs the lock, but for the first time.
func (f *following) read() error {
	file, err := os.Open(f.file)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	pem, err := io.ReadAll(io.LimitReader(file, maxBundle+1))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	switch {
	case len(pem) > maxBundle:
		return fmt.Errorf("%s is larger than %d bytes", f.file, maxBundle)
	case !roots.AppendCertsFromPEM(pem):
		return fmt.Errorf("%s holds no certificate", f.file)
	}
	before := f.current
	f.seen, f.current = info, newTransport(roots)
	if before.Transport != nil {
		before.CloseIdleConnections()
	}
	return nil
}
