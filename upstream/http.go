package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"time"
)

// A dial may take half a second, as the EKS agent's, and less while another endpoint could be asked instead.
const (
	dialTimeout      = 500 * time.Millisecond
	shortDialTimeout = 300 * time.Millisecond
)

// maxAnswer bounds an answer's body, but for a client that was made for longer ones.
const maxAnswer = 1 << 20

// Longer is the client for answers that may have up to so many bytes. It shares the connections.
func Longer(client *http.Client, most int64) *http.Client {
	out := *client
	out.Transport = longer{client.Transport, most}
	return &out
}

type longer struct {
	http.RoundTripper
	most int64
}

type longestAnswer struct{} // the context key

func (l longer) RoundTrip(r *http.Request) (*http.Response, error) {
	return l.RoundTripper.RoundTrip(r.WithContext(context.WithValue(r.Context(), longestAnswer{}, l.most)))
}

// NewHTTPClient makes the client for upstream services. roots nil are the system's. It follows no redirect, keeps idle connections, and uses
// the environment's proxy but for addresses that no proxy could reach better.
func NewHTTPClient(roots *x509.CertPool) *http.Client { return httpClient(newTransport(roots)) }

func httpClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport(roots *x509.CertPool) bounded {
	return bounded{&http.Transport{
		Proxy:                  http.ProxyFromEnvironment, // never for loopback
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    2 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second, // a backstop: every call has a deadline of its own
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}}
}

// bounded caps what is read of an answer. It embeds the transport and no interface, for http.Client.CloseIdleConnections to find its method.
type bounded struct{ *http.Transport }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.Transport.RoundTrip(r)
	if err == nil {
		most, given := r.Context().Value(longestAnswer{}).(int64)
		if !given {
			most = maxAnswer
		}
		res.Body = &cappedBody{Reader: io.LimitReader(res.Body, most), Closer: res.Body}
	}
	return res, err
}

type cappedBody struct {
	io.Reader
	io.Closer
}

// shortDial is the context key of how long a dial may take. The transport dials with the values of the request's context, not its deadline.
type shortDial struct{}

func withDialTimeout(ctx context.Context, short bool) context.Context {
	return context.WithValue(ctx, shortDial{}, short)
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	if short, _ := ctx.Value(shortDial{}).(bool); short {
		d.Timeout = shortDialTimeout
	}
	return d.DialContext(ctx, network, address)
}
