package handover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"
)

// ErrNobody is that no agent listens at the socket.
var ErrNobody = errors.New("no agent runs there")

// Predecessor is the old agent, seen from the new one.
type Predecessor struct {
	Hand
	conn *net.UnixConn
}

// Ask asks the agent at a socket for what it has. The old one goes on until it is told Serving.
func Ask(ctx context.Context, path string) (*Predecessor, error) {
	dialer := net.Dialer{Timeout: giveTimeout}
	c, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, ErrNobody
	case err != nil:
		return nil, fmt.Errorf("asking the agent that runs: %w", err)
	}
	conn := c.(*net.UnixConn)
	p := &Predecessor{conn: conn}
	if err := p.ask(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("asking the agent that runs: %w", err)
	}
	return p, nil
}

func (p *Predecessor) ask(ctx context.Context) (err error) {
	defer interruptible(ctx, p.conn, giveTimeout)()
	if err := trusted(p.conn); err != nil {
		return err
	}
	if _, err := p.conn.Write([]byte(asks)); err != nil {
		return err
	}
	p.Hand, err = receive(p.conn)
	return err
}

// Serving tells the old agent that this one serves, and returns when the old one accepts nothing more. The connection stays: by it the old
// one knows that this one lives.
func (p *Predecessor) Serving(ctx context.Context) error {
	defer interruptible(ctx, p.conn, releaseTimeout)()
	if _, err := p.conn.Write([]byte(serves)); err != nil {
		return err
	}
	return expect(p.conn, released)
}

// Close ends the conversation: before Serving, the old agent goes on as if nothing had been asked. The listeners stay the caller's.
func (p *Predecessor) Close() error { return p.conn.Close() }

// interruptible bounds what is done on a connection by a time and a context, until the function it returns is called.
func interruptible(ctx context.Context, conn *net.UnixConn, timeout time.Duration) func() {
	// SetDeadline fails only on a closed connection, of which the next use tells.
	_ = conn.SetDeadline(time.Now().Add(timeout))
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if stop() {
			_ = conn.SetDeadline(time.Time{})
		}
	}
}
