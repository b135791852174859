package agent

import (
	"net"
	"net/netip"
	"sync"
)

// MaxConnections is how many one address may have at a time: enough for every process of a pod, and of all pods on the host's network. What
// one pod can hold of the agent's memory is bounded by it, some 20 KB for each.
const MaxConnections = 1024

// LimitSources hangs up on an address that has as many connections as it may. The listener is closed with the one below.
func LimitSources(l net.Listener, most int) net.Listener {
	return &limitedListener{Listener: l, most: most, open: map[netip.Addr]int{}}
}

type limitedListener struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[netip.Addr]int // connections, by where they come from; none is zero
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if limited, ok := l.admit(c); ok {
			return limited, nil
		}
		c.Close() // whether or not it works, the connection is no more
	}
}

func (l *limitedListener) admit(c net.Conn) (net.Conn, bool) {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return c, true // not of a network
	}
	from := at.Addr().Unmap()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] >= l.most {
		return nil, false
	}
	l.open[from]++
	return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, true
}

func (l *limitedListener) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

type limitedConn struct {
	net.Conn
	leave func()
}

func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
