package clustertest

import (
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
	core "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// tunnelled is the subprotocol of SPDY in WebSockets.
const tunnelled = "SPDY/3.1+" + portforward.PortForwardProtocolV1Name

// forward answers as an API server does: the connection becomes one of streams, two of which are a forwarded connection.
func (c *Cluster) forward(w http.ResponseWriter, r *http.Request, pod string) {
	streams := make(chan httpstream.Stream, 16)
	accept := func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	}
	c.mu.Lock()
	sockets := c.sockets
	c.mu.Unlock()
	var conn httpstream.Connection
	by := "spdy"
	switch asked := websocket.IsWebSocketUpgrade(r); {
	case asked && !sockets:
		refuse(w, http.StatusBadRequest) // Upgrade request required
		return
	case asked:
		by = "websocket"
		upgraded, err := (&websocket.Upgrader{Subprotocols: []string{tunnelled}}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		if conn, err = spdy.NewServerConnection(portforward.NewTunnelingConnection("fake", upgraded), accept); err != nil {
			return
		}
	default:
		if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardProtocolV1Name}); err != nil {
			return
		}
		if conn = spdy.NewResponseUpgrader().UpgradeResponse(w, r, accept); conn == nil {
			return
		}
	}
	c.mu.Lock()
	c.forwarding, c.forwards = append(c.forwarding, conn), append(c.forwards, pod+" "+by)
	c.mu.Unlock()
	problems := map[string]httpstream.Stream{}
	for {
		select {
		case s := <-streams:
			id := s.Headers().Get(core.PortForwardRequestIDHeader)
			if s.Headers().Get(core.StreamType) == core.StreamTypeError {
				problems[id] = s
				continue
			}
			go c.connect(s, problems[id])
		case <-conn.CloseChan():
			return
		}
	}
}

// connect carries one connection to the pod's server.
func (c *Cluster) connect(data, problems httpstream.Stream) {
	defer problems.Close()
	defer data.Close()
	if port := data.Headers().Get(core.PortHeader); port != "8600" {
		_, _ = io.WriteString(problems, "nothing listens on port "+port)
		return
	}
	there, err := net.Dial("tcp", c.server.Listener.Addr().String())
	if err != nil {
		_, _ = io.WriteString(problems, err.Error())
		return
	}
	defer there.Close()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(data, there); _ = data.Reset() })
	both.Go(func() { _, _ = io.Copy(there, data); _ = there.Close() })
	both.Wait()
}
