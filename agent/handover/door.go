package handover

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
)

// Door is where a new agent asks this one.
type Door struct {
	path     string
	listener *net.UnixListener
	file     os.FileInfo
	log      *slog.Logger
}

// Open listens at the path, in place of whatever agent listened there before: its successor is the one to ask from now on.
func Open(path string, log *slog.Logger) (*Door, error) {
	if err := privateDirectory(path); err != nil {
		return nil, err
	}
	// Under a name of its own first, for a rename leaves no moment at which nobody is to be found.
	own := path + "." + rand.Text()[:8]
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: own, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	d := &Door{path: path, listener: l, log: log}
	if err := os.Rename(own, path); err != nil {
		l.Close()
		os.Remove(own)
		return nil, err
	}
	if d.file, err = os.Lstat(path); err != nil {
		l.Close()
		return nil, err
	}
	return d, nil
}

// Serve waits for a new agent, gives it what offer returns, and returns when that one serves. Then it is time to stop accepting and to tell it
// (Successor.Release). A try that comes to nothing is logged and changes nothing. The error is the context's.
func (d *Door) Serve(ctx context.Context, offer func() (Hand, error)) (*Successor, error) {
	stop := context.AfterFunc(ctx, func() { d.listener.Close() })
	defer stop()
	for {
		conn, err := d.listener.AcceptUnix()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("hand-over socket: %w", err)
		}
		if err := replaced(ctx, conn, offer); err != nil {
			conn.Close()
			d.log.Warn("an agent that was to replace this one did not", "error", err)
			continue
		}
		d.log.Info("replaced by another agent")
		return &Successor{conn: conn}, nil
	}
}

// replaced has the conversation up to where the new agent serves.
func replaced(ctx context.Context, conn *net.UnixConn, offer func() (Hand, error)) error {
	if err := trusted(conn); err != nil {
		return err
	}
	given := func() error {
		defer interruptible(ctx, conn, giveTimeout)()
		if err := expect(conn, asks); err != nil {
			return err
		}
		hand, err := offer()
		if err != nil {
			return err
		}
		return give(conn, hand)
	}
	if err := given(); err != nil {
		return err
	}
	defer interruptible(ctx, conn, serveTimeout)()
	return expect(conn, serves)
}

// Close stops listening, and removes the socket if it still is this agent's.
func (d *Door) Close() error {
	err := d.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	if now, left := os.Lstat(d.path); left == nil && os.SameFile(now, d.file) {
		err = errors.Join(err, os.Remove(d.path))
	}
	return err
}

// Successor is the new agent, seen from the old one.
type Successor struct{ conn *net.UnixConn }

// Release tells the new agent that it is the only one that accepts.
func (s *Successor) Release() error {
	defer interruptible(context.Background(), s.conn, releaseTimeout)()
	_, err := s.conn.Write([]byte(released))
	return err
}

// Outlive returns when the new agent has ended, or with the context's error.
func (s *Successor) Outlive(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	// It says nothing more: whatever comes is the end.
	_, _ = s.conn.Read(make([]byte, 1))
	return ctx.Err()
}

// Close ends the conversation.
func (s *Successor) Close() error { return s.conn.Close() }
