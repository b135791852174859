package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// dialTimeout bounds the making of a port-forward; client-go's dialers know no context.
const dialTimeout = 15 * time.Second

// tunnels is one port-forward to one pod, and another one when that has ended.
type tunnels struct {
	config *rest.Config
	pod    func(ctx context.Context) (name string, port int32, err error)

	making sync.Mutex // held while a port-forward is made: whoever wants one meanwhile shares it
	mu     sync.Mutex
	now    *tunnel
	closed bool
}

// tunnel is a port-forward that is open.
type tunnel struct {
	connection httpstream.Connection
	pod        string
	port       string
	mu         sync.Mutex
	requests   int
}

var errClosed = errors.New("the way into the cluster was closed")

// open makes a connection. One that fails on a port-forward that was there already is tried once more on a new one: its pod may have gone.
func (t *tunnels) open(ctx context.Context) (net.Conn, error) {
	for fresh := false; ; fresh = true {
		way, err := t.tunnel(ctx, fresh)
		if err != nil {
			return nil, err
		}
		conn, err := way.stream()
		if err == nil || fresh {
			return conn, err
		}
	}
}

// tunnel is the one there is, or a new one.
func (t *tunnels) tunnel(ctx context.Context, fresh bool) (*tunnel, error) {
	t.making.Lock()
	defer t.making.Unlock()
	t.mu.Lock()
	now, closed := t.now, t.closed
	t.mu.Unlock()
	switch {
	case closed:
		return nil, errClosed
	case now != nil && !fresh && now.alive():
		return now, nil
	case now != nil:
		_ = now.connection.Close() // it is of no use any more
	}
	made, err := t.make(ctx)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = made.connection.Close()
		return nil, errClosed
	}
	t.now = made
	return made, nil
}

func (t *tunnels) make(ctx context.Context) (*tunnel, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	pod, port, err := t.pod(ctx)
	if err != nil {
		return nil, err
	}
	dialer, err := t.dialer(pod)
	if err != nil {
		return nil, err
	}
	type result struct {
		connection httpstream.Connection
		err        error
	}
	dialled := make(chan result)
	go func() {
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		select {
		case dialled <- result{connection, err}:
		case <-ctx.Done():
			if err == nil {
				_ = connection.Close() // nobody waits for it
			}
		}
	}()
	select {
	case r := <-dialled:
		if r.err != nil {
			return nil, forwardError(pod, r.err)
		}
		return &tunnel{connection: r.connection, pod: pod, port: strconv.Itoa(int(port))}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("port-forward to pod %s/%s: %w", Namespace, pod, ctx.Err())
	}
}

// forwardError tells a refusal from a failure. The dialers give the API server's answer as text only.
func forwardError(pod string, err error) error {
	if strings.Contains(strings.ToLower(err.Error()), "forbidden") {
		return fmt.Errorf("%w: port-forward to pod %s/%s: %w", ErrForbidden, Namespace, pod, err)
	}
	return fmt.Errorf("port-forward to pod %s/%s: %w", Namespace, pod, err)
}

// dialer asks for WebSockets, and for SPDY itself where the API server (before 1.31) or a proxy on the way does not speak them, as kubectl does.
func (t *tunnels) dialer(pod string) (httpstream.Dialer, error) {
	base, _, err := rest.DefaultServerUrlFor(t.config)
	if err != nil {
		return nil, err
	}
	at := base.JoinPath("api/v1/namespaces", Namespace, "pods", url.PathEscape(pod), "portforward")
	websocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(at, t.config)
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(t.config)
	if err != nil {
		return nil, err
	}
	return portforward.NewFallbackDialerForStreaming(websocket, spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, at), func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

func (t *tunnel) alive() bool {
	select {
	case <-t.connection.CloseChan():
		return false
	default:
		return true
	}
}

// stream opens the two streams of one forwarded connection: what goes wrong at the far end comes by the first, the bytes by the second.
//
// Source: https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/client-go/tools/portforward/portforward.go
func (t *tunnel) stream() (net.Conn, error) {
	t.mu.Lock()
	id := t.requests
	t.requests++
	t.mu.Unlock()
	headers := http.Header{}
	headers.Set(core.PortHeader, t.port)
	headers.Set(core.PortForwardRequestIDHeader, strconv.Itoa(id))
	headers.Set(core.StreamType, core.StreamTypeError)
	problems, err := t.connection.CreateStream(headers)
	if err != nil {
		return nil, forwardError(t.pod, err)
	}
	_ = problems.Close() // nothing is written to it
	headers.Set(core.StreamType, core.StreamTypeData)
	data, err := t.connection.CreateStream(headers)
	if err != nil {
		t.connection.RemoveStreams(problems)
		return nil, forwardError(t.pod, err)
	}
	return newStream(t, problems, data), nil
}

// close says goodbye, which fails where the other end has gone already; either way nothing of the connection is left.
func (t *tunnels) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.now != nil {
		_ = t.now.connection.Close()
	}
}
