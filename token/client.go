package token

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// PublicClient is an HTTP client for discovery at issuers no operator vouched for: anybody who may create an OIDC provider, or register a
// cluster in an account of his own, chooses where this server dials. https only, no redirects, no proxy, 5 s; only addresses of the public Internet, judged when the connection is made, behind
// name resolution, so that no DNS answer leads elsewhere. (Discover caps the size of what it reads.)
func PublicClient() *http.Client {
	dialer := &net.Dialer{Timeout: fetchTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !public(to.Addr()) {
			return fmt.Errorf("%s is not a public address: an issuer in a private network is reached only for a cluster of the management account", address)
		}
		return nil
	}}
	transport := newTransport()
	transport.DialContext = dialer.DialContext
	return &http.Client{Transport: httpsOnly{transport}, CheckRedirect: noRedirect, Timeout: fetchTimeout}
}

// RegisteredClient is an HTTP client for issuers an operator has registered: in private networks, behind the environment's proxy, and in
// the clear where the issuer's own URL is. No redirects, 5 s.
func RegisteredClient() *http.Client {
	transport := newTransport()
	transport.Proxy = http.ProxyFromEnvironment
	return &http.Client{Transport: transport, CheckRedirect: noRedirect, Timeout: fetchTimeout}
}

// newTransport asks for no compression, so that a small answer stays one, and keeps few connections: keys are fetched once a minute.
func newTransport() *http.Transport {
	return &http.Transport{
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns:           16,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    fetchTimeout,
	}
}

type httpsOnly struct{ next *http.Transport }

func (t httpsOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
		return nil, errors.New("only https:// is dialled for an issuer that is not of a cluster of the management account")
	}
	return t.next.RoundTrip(req)
}

func noRedirect(*http.Request, []*http.Request) error {
	return errors.New("redirects are not followed")
}

// public reports whether an address is of the public Internet: for IPv6 in the one block handed out so far, and in none of the blocks
// that are set aside, or that lead into IPv4.
//
// Source: https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is4In6() || a.Zone() != "" {
		return false
	}
	if a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a) {
		return false
	}
	for _, block := range [...]string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		if netip.MustParsePrefix(block).Contains(a) {
			return false
		}
	}
	return true
}
