package store

import (
	"crypto/rand"
	"crypto/tls"
	"io"
	"log/slog"
	"time"
)

// Config says where the state is: in DataDir, on an etcd of our own, or on an external cluster at Endpoints.
type Config struct {
	DataDir   string
	Endpoints []string    // http://HOST:PORT or, all of them, https://HOST:PORT
	TLS       *tls.Config // of the endpoints; see LoadTLS. Nil with https: the system's roots, no client certificate

	Lease   time.Duration    // after which a replica that is cut off is stale; 0: 3 s. Whole seconds
	Now     func() time.Time // of what is written; nil: time.Now
	Random  io.Reader        // nil: crypto/rand
	Logger  *slog.Logger     // nil: discard
	OnFatal func(error)      // called once if the store has failed beyond recovery, such as on a full disk; the process should end. nil: only logged

	// FreeSpace is asked for the bytes free under the data directory before etcd, which dies on a full disk, starts there. nil: statfs.
	FreeSpace func(dir string) (uint64, error)
	// NoSync leaves out fsync: what was acknowledged is lost with the machine's power. For tests.
	NoSync bool
}

// withDefaults is c with nothing left out.
func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Lease == 0 {
		c.Lease = 3 * time.Second
	}
	if c.FreeSpace == nil {
		c.FreeSpace = statfs
	}
	return c
}
