package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookAgain is how old what is known of the certificate's files may be when a client connects.
const lookAgain = 10 * time.Second

// certificateFiles serves the certificate of two PEM files, and the new one when they are replaced. While they hold none that can be served, half
// replaced or broken, the last good one is.
type certificateFiles struct {
	cert, key string
	now       func() time.Time
	log       *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	seen    [2]os.FileInfo // the files that serving, or failed, is of
	serving *tls.Certificate
	failed  string // why the files seen can't be served; "" if they are
}

// newCertificateFiles reads the files: a server that cannot serve its certificate must not start.
func newCertificateFiles(c Config) (*certificateFiles, error) {
	f := &certificateFiles{cert: c.TLSCert, key: c.TLSKey, now: c.Now, log: c.Logger}
	return f, f.look()
}

// get is for tls.Config.
func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if age := f.now().Sub(f.looked); age < 0 || age >= lookAgain {
		if err := f.look(); err != nil && err.Error() != f.failed {
			f.failed = err.Error()
			f.log.Error("the certificate's files were changed and cannot be served; the one before them is", "error", err)
		}
	}
	return f.serving, nil
}

// look reads the files again if they are others than those seen.
func (f *certificateFiles) look() error {
	f.looked = f.now()
	var found [2]os.FileInfo
	for i, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name) // through the links by which Kubernetes replaces both at once
		if err != nil {
			return err
		}
		found[i] = info
	}
	if f.serving != nil && f.failed == "" && same(found[0], f.seen[0]) && same(found[1], f.seen[1]) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("certificate %s, key %s: %w", f.cert, f.key, err)
	}
	if f.serving != nil {
		f.log.Info("serving another certificate", "file", f.cert, "until", pair.Leaf.NotAfter)
	}
	f.serving, f.seen, f.failed = &pair, found, ""
	return nil
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
