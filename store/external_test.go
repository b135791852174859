package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

func TestExternal(t *testing.T) {
	cluster := storetest.StartCluster(t, 3, nil)
	storetest.Run(t, func(t testing.TB) store.Config {
		cluster.Clear(t)
		return store.Config{Endpoints: cluster.Endpoints}
	})
}

// setMaxSession writes role "k".
func setMaxSession(t testing.TB, s *store.Store, n int) {
	t.Helper()
	_, err := s.Roles.Update(t.Context(), "k", func(*store.Role) (*store.Role, error) { return &store.Role{MaxSession: n}, nil })
	if err != nil {
		t.Fatal(err)
	}
}

// eventually is for what must come to pass and says nothing about when.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// A replica that is cut off answers nothing more by the time writes are acknowledged without it, and knows them before it answers again.
func TestAReplicaThatIsCutOff(t *testing.T) {
	cluster := storetest.StartCluster(t, 1, nil)
	wire := newWire(t, cluster.Endpoints[0])
	open := func(endpoint string) *store.Store {
		return storetest.Open(t, func(c *store.Config) { *c = store.Config{Endpoints: []string{endpoint}, Lease: 2 * time.Second} })
	}
	a, b := open(cluster.Endpoints[0]), open(wire.endpoint)
	for round := range 2 {
		setMaxSession(t, a, 100*round+1)
		if r, ok := b.Roles.Get("k"); !ok || r.MaxSession != 100*round+1 || b.Check() != nil {
			t.Fatalf("round %d: before the cut, the other replica has %v and is %v", round, r, b.Check())
		}
		wire.cut()
		setMaxSession(t, a, 100*round+2) // returns when b's lease has ended
		if err := b.Check(); !errors.Is(err, store.ErrStale) {
			t.Fatalf("round %d: a write was acknowledged while a replica that cannot know it is %v", round, err)
		}
		err := b.Transact(t.Context(), func(*store.Tx) error { return nil })
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("round %d: a transaction of a stale replica: %v", round, err)
		}
		if err := a.Check(); err != nil {
			t.Errorf("round %d: the replica that was not cut off: %v", round, err)
		}
		if round == 1 { // what happened meanwhile is not to be had from the watch any more
			now, err := cluster.Client.Get(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cluster.Client.Compact(t.Context(), now.Header.Revision); err != nil {
				t.Fatal(err)
			}
		}
		wire.mend()
		eventually(t, "the replica answers again", func() bool { return b.Check() == nil })
		if r, _ := b.Roles.Get("k"); r.MaxSession != 100*round+2 {
			t.Errorf("round %d: the replica answers again and has %v", round, r)
		}
		setMaxSession(t, a, 100*round+3)
		if r, _ := b.Roles.Get("k"); r.MaxSession != 100*round+3 {
			t.Errorf("round %d: the replica takes part in the barrier again and has %v", round, r)
		}
	}
}

func TestAWriteWhoseFateIsUnknown(t *testing.T) {
	cluster := storetest.StartCluster(t, 1, nil)
	wire := newWire(t, cluster.Endpoints[0])
	s := storetest.Open(t, func(c *store.Config) { *c = store.Config{Endpoints: []string{wire.endpoint}, Lease: time.Minute} })
	wire.cut()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Roles.Update(ctx, "k", func(*store.Role) (*store.Role, error) { return &store.Role{}, nil })
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	wire.mend()
}

func TestTLS(t *testing.T) {
	certificates := storetest.NewCertificates(t)
	cluster := storetest.StartCluster(t, 1, certificates)
	good, err := store.LoadTLS(certificates.CA, certificates.ClientCert, certificates.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t, func(c *store.Config) { *c = store.Config{Endpoints: cluster.Endpoints, TLS: good} })
	setMaxSession(t, s, 1)

	noClient, err := store.LoadTLS(certificates.CA, "", "")
	if err != nil {
		t.Fatal(err)
	}
	other := storetest.NewCertificates(t)
	otherCA, err := store.LoadTLS(other.CA, certificates.ClientCert, certificates.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]store.Config{
		"no client certificate": {Endpoints: cluster.Endpoints, TLS: noClient},
		"another CA":            {Endpoints: cluster.Endpoints, TLS: otherCA},
		"the system's roots":    {Endpoints: cluster.Endpoints},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if s, err := store.Open(ctx, c); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
			if err == nil {
				s.Close()
			}
		}
		cancel()
	}

	plain := strings.Replace(cluster.Endpoints[0], "https://", "http://", 1)
	for name, c := range map[string]store.Config{
		"certificates and http": {Endpoints: []string{plain}, TLS: good},
		"http and https":        {Endpoints: []string{cluster.Endpoints[0], plain}, TLS: good},
		"no scheme":             {Endpoints: []string{strings.TrimPrefix(plain, "http://")}},
		"nothing":               {},
		"both":                  {DataDir: t.TempDir(), Endpoints: cluster.Endpoints},
		"too short a lease":     {Endpoints: cluster.Endpoints, TLS: good, Lease: time.Millisecond},
	} {
		if s, err := store.Open(t.Context(), c); err == nil {
			t.Errorf("%s: opened", name)
			s.Close()
		}
	}
	for _, files := range [][3]string{
		{"absent", "", ""},
		{certificates.ClientKey, "", ""},
		{certificates.CA, certificates.ClientCert, ""},
		{certificates.CA, certificates.ClientCert, certificates.ServerKey},
	} {
		if _, err := store.LoadTLS(files[0], files[1], files[2]); err == nil {
			t.Errorf("%v: read", files)
		}
	}
}

// wire is a TCP connection to etcd that can be cut: what is on it then never arrives, as when a cable is pulled.
type wire struct {
	endpoint string
	mu       sync.Mutex
	broken   bool
	conns    []net.Conn
}

func newWire(t testing.TB, endpoint string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{endpoint: "http://" + listener.Addr().String()}
	t.Cleanup(func() {
		listener.Close()
		w.cut()
	})
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://"))
			if err != nil || !w.keep(near, far) {
				near.Close()
				continue
			}
			go func() { io.Copy(near, far); near.Close() }()
			go func() { io.Copy(far, near); far.Close() }()
		}
	}()
	return w
}

func (w *wire) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.broken {
		w.conns = append(w.conns, conns...)
		return true
	}
	for _, c := range conns {
		c.Close()
	}
	return false
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = true
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = false
}
