package cluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/streaming/pkg/httpstream"
)

// maxProblem caps what is read of why a connection could not be made at the far end.
const maxProblem = 4096

// stream is one forwarded connection as a net.Conn.
type stream struct {
	httpstream.Stream
	tunnel   *tunnel
	problems httpstream.Stream
	why      atomic.Pointer[error] // the far end's word for why it ended
	once     sync.Once
}

func newStream(t *tunnel, problems, data httpstream.Stream) *stream {
	s := &stream{Stream: data, tunnel: t, problems: problems}
	go func() {
		text, err := io.ReadAll(io.LimitReader(problems, maxProblem))
		if len(text) == 0 && err == nil {
			return // it ends without a word when the connection does
		}
		why := fmt.Errorf("pod %s/%s, port %s: %s", Namespace, t.pod, t.port, text)
		if len(text) == 0 {
			why = errors.New("the port-forward broke off")
		}
		s.why.Store(&why)
		_ = s.Close()
	}()
	return s
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	return n, s.because(err)
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.Stream.Write(p)
	return n, s.because(err)
}

// because gives the reason in place of the end it brought about.
func (s *stream) because(err error) error {
	if why := s.why.Load(); err != nil && why != nil {
		return *why
	}
	return err
}

// Close ends both directions, and forgets the streams, which would otherwise stay as long as the port-forward.
func (s *stream) Close() (err error) {
	s.once.Do(func() {
		err = errors.Join(s.Stream.Close(), s.Reset())
		s.tunnel.connection.RemoveStreams(s.Stream, s.problems)
	})
	return err
}

type address string

func (address) Network() string  { return "portforward" }
func (a address) String() string { return string(a) }

// LocalAddr and RemoteAddr are for messages only.
func (s *stream) LocalAddr() net.Addr { return address("kubeconfig") }

func (s *stream) RemoteAddr() net.Addr {
	return address(Namespace + "/" + s.tunnel.pod + ":" + s.tunnel.port)
}

// Streams know no deadlines. Whoever uses one bounds requests by their contexts, which close it.
func (s *stream) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (s *stream) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (s *stream) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
