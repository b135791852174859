package handover_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/podpass/podpass/agent/handover"
)

const patience = 20 * time.Second

// agent serves its name on the listeners it took or made, and hands them over.
type agent struct {
	name   string
	path   string
	taken  *handover.Taken
	server *handover.Server
	door   *handover.Door
	served sync.WaitGroup
}

// start is an agent that serves but has not told the old one so.
func start(t *testing.T, name, path string, addresses ...string) *agent {
	t.Helper()
	taken, err := handover.Take(t.Context(), path, addresses, patience)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(taken.Failed) > 0 {
		t.Fatalf("%s: %v", name, taken.Failed)
	}
	a := &agent{name: name, path: path, taken: taken}
	a.server = handover.NewServer(&http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name) }),
	})
	for _, l := range taken.Listeners {
		a.served.Go(func() {
			if err := a.server.Serve(l); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	t.Cleanup(func() {
		a.stop(t)
		a.served.Wait()
		if a.door != nil {
			a.door.Close()
		}
		if taken.From != nil {
			taken.From.Close()
		}
	})
	return a
}

func (a *agent) stop(t *testing.T) {
	a.server.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.server.Drain(ctx); err != nil {
		t.Errorf("%s: %v", a.name, err)
	}
}

// open lets the agent be replaced, and tells when it was.
func (a *agent) open(t *testing.T, log io.Writer) (replaced <-chan *handover.Successor) {
	t.Helper()
	var err error
	if a.door, err = handover.Open(a.path, slog.New(slog.NewTextHandler(log, nil))); err != nil {
		t.Fatal(err)
	}
	c := make(chan *handover.Successor, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s, err := a.door.Serve(ctx, func() (handover.Hand, error) {
			return handover.Hand{Listeners: a.taken.Listeners, State: []byte("state of " + a.name)}, nil
		})
		if err == nil {
			a.server.Stop()
			if err := s.Release(); err != nil {
				t.Errorf("%s: %v", a.name, err)
			}
			a.stop(t)
			c <- s
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return c
}

func get(address string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get("http://" + address)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// addresses are two of loopback that nobody listened at a moment ago.
func addresses(t *testing.T) []string {
	t.Helper()
	var out []string
	for range 2 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out
}

func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "handover-") // t.TempDir is too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "agent", "socket")
}

// Agents replace each other while clients open connection after connection at both of their addresses: none is refused or cut off.
func TestReplacedUnderLoad(t *testing.T) {
	path, ports := socket(t), addresses(t)
	old := start(t, "agent 0", path, ports...)
	replaced := old.open(t, t.Output())

	var stop atomic.Bool
	var answers atomic.Int64
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for !stop.Load() {
				if _, err := get(ports[i%2]); err != nil {
					t.Errorf("a client: %v", err)
					return
				}
				answers.Add(1)
			}
		})
	}
	for i := range 5 {
		before := answers.Load()
		young := start(t, fmt.Sprintf("agent %d", i+1), path, ports...)
		if got, want := string(young.taken.State), fmt.Sprintf("state of agent %d", i); got != want {
			t.Errorf("state %q, want %q", got, want)
		}
		if err := young.taken.From.Serving(t.Context()); err != nil {
			t.Fatal(err)
		}
		successor := <-replaced
		if name, err := get(ports[0]); err != nil || name != young.name {
			t.Errorf("%q answers (%v), want %s", name, err, young.name)
		}
		replaced = young.open(t, t.Output())
		for answers.Load() < before+100 && !t.Failed() {
			if _, err := get(ports[1]); err != nil {
				t.Fatal(err)
			}
		}
		defer successor.Close()
	}
	stop.Store(true)
	clients.Wait()
	t.Logf("%d answers", answers.Load())
}

// A new agent that dies before it serves leaves the old one as it was; so does one that never says so, or talks nonsense.
func TestNewAgentDies(t *testing.T) {
	path, ports := socket(t), addresses(t)
	old := start(t, "old", path, ports...)
	var log lockedBuffer
	replaced := old.open(t, &log)

	dies := start(t, "dies", path, ports...)
	dies.stop(t)
	dies.taken.From.Close()

	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n")
	io.Copy(io.Discard, conn)
	conn.Close()

	for _, address := range ports {
		if name, err := get(address); err != nil || name != "old" {
			t.Errorf("%q answers: %v", name, err)
		}
	}
	young := start(t, "young", path, ports...)
	if err := young.taken.From.Serving(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := <-replaced
	defer s.Close()
	if n := strings.Count(log.String(), "did not"); n != 2 {
		t.Errorf("%d failed tries are logged, want 2:\n%s", n, log.String())
	}
}

// The old agent learns when the new one has ended.
func TestOutlive(t *testing.T) {
	path, ports := socket(t), addresses(t)
	replaced := start(t, "old", path, ports...).open(t, t.Output())
	young := start(t, "young", path, ports...)
	if err := young.taken.From.Serving(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := <-replaced
	defer s.Close()
	gone := make(chan error, 1)
	go func() { gone <- s.Outlive(t.Context()) }()
	select {
	case err := <-gone:
		t.Fatalf("it is said to be gone: %v", err)
	default:
	}
	young.taken.From.Close()
	if err := <-gone; err != nil {
		t.Error(err)
	}
}

// Other addresses than the old agent's: those it has in another way come once it has let go.
func TestOtherAddresses(t *testing.T) {
	path, ports := socket(t), addresses(t)
	_, port, err := net.SplitHostPort(ports[1])
	if err != nil {
		t.Fatal(err)
	}
	wide := "0.0.0.0:" + port
	replaced := start(t, "old", path, ports...).open(t, t.Output())
	taken, err := handover.Take(t.Context(), path, []string{ports[0], wide}, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	defer taken.From.Close()
	if !errors.Is(taken.Failed[wide], syscall.EADDRINUSE) || taken.Listeners[ports[0]] == nil {
		t.Fatalf("listeners %v, failed %v", taken.Listeners, taken.Failed)
	}
	if err := taken.From.Serving(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := <-replaced
	defer s.Close()
	taken.Late(t.Context())
	if taken.Listeners[wide] == nil {
		t.Errorf("it could not be listened at: %v", taken.Failed)
	}
}

func TestNobody(t *testing.T) {
	path, ports := socket(t), addresses(t)
	if _, err := handover.Ask(t.Context(), path); !errors.Is(err, handover.ErrNobody) {
		t.Errorf("no socket: %v", err)
	}
	a := start(t, "first", path, ports...)
	if a.taken.From != nil {
		t.Error("it says it replaced another")
	}
	a.open(t, t.Output())
	// A socket whose agent was killed.
	stale := filepath.Join(filepath.Dir(path), "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := handover.Ask(t.Context(), stale); !errors.Is(err, handover.ErrNobody) {
		t.Errorf("stale socket: %v", err)
	}
	// A port somebody else has stays failed.
	taken, err := handover.Take(t.Context(), stale, ports[:1], time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if !errors.Is(taken.Failed[ports[0]], syscall.EADDRINUSE) {
		t.Errorf("failed: %v", taken.Failed)
	}
}

func TestDirectory(t *testing.T) {
	path := socket(t)
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	door, err := handover.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v: %v", info.Mode(), err)
	}
	second, err := handover.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := door.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("closing one agent's socket took away the other's: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	link := filepath.Join(filepath.Dir(dir), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if _, err := handover.Open(filepath.Join(link, "socket"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a symbolic link is taken for a private directory")
	}
}

// A directory that others use as well, such as /tmp or /run, is not closed to them.
func TestDirectoryOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		mode os.FileMode
		file string
	}{
		"everybody's":               {0o777 | os.ModeSticky, ""},
		"with something else in it": {0o755, "resolv.conf"},
	} {
		t.Run(name, func(t *testing.T) {
			path := socket(t)
			dir := filepath.Dir(path)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, test.mode); err != nil {
				t.Fatal(err)
			}
			if test.file != "" {
				if err := os.WriteFile(filepath.Join(dir, test.file), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if door, err := handover.Open(path, slog.New(slog.DiscardHandler)); err == nil {
				door.Close()
				t.Error("it is taken for a private directory")
			}
			if info, err := os.Stat(dir); err != nil || info.Mode() != test.mode|os.ModeDir {
				t.Errorf("mode %v, was %v (%v)", info.Mode(), test.mode, err)
			}
		})
	}
}

// Whoever is neither this user nor root is told nothing. The child process is another user where the test runs as root.
func TestAnotherUser(t *testing.T) {
	if os.Getenv("HANDOVER_ASK") != "" {
		_, err := handover.Ask(t.Context(), os.Getenv("HANDOVER_ASK"))
		fmt.Printf("asked: %v\n", err)
		return
	}
	path, ports := socket(t), addresses(t)
	var log lockedBuffer
	start(t, "old", path, ports...).open(t, &log)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAnotherUser$", "-test.v")
	cmd.Env = append(os.Environ(), "HANDOVER_ASK="+path)
	want := "asked: <nil>"
	if os.Geteuid() == 0 {
		// It gets as far as the socket, as no directory of mode 0700 would let it.
		for _, p := range []string{filepath.Dir(filepath.Dir(path)), filepath.Dir(path), path} {
			if err := os.Chmod(p, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		cmd.Dir, want = "/", "asked: asking the agent that runs: "
		own := filepath.Join(filepath.Dir(filepath.Dir(path)), "test")
		copyFile(t, os.Args[0], own)
		cmd.Path = own
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v\n%s", err, out)
	}
	if os.Geteuid() == 0 && !strings.Contains(log.String(), "user 65534") {
		t.Errorf("the log does not say who asked:\n%s", log.String())
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o755); err != nil {
		t.Fatal(err)
	}
}

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
