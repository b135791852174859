package access

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP is the address of whoever asked: the connection's, or, where that is a trusted proxy's, the last address in X-Forwarded-For
// that is not a trusted proxy's own. It is "" where there is none (a Unix socket) or a trusted proxy says something unreadable.
func (g *Gate) ClientIP(r *http.Request) string {
	if ip := g.clientIP(r); ip.IsValid() {
		return ip.String()
	}
	return ""
}

func (g *Gate) clientIP(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip := from.Addr().Unmap().WithZone("")
	if len(g.TrustedProxies) == 0 || !g.trusted(ip) {
		return ip
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		if hop == "" && len(hops) == 1 {
			return ip // the proxy itself asks
		}
		next, err := netip.ParseAddr(hop)
		if err != nil {
			return netip.Addr{}
		}
		if ip = next.Unmap().WithZone(""); !g.trusted(ip) {
			return ip
		}
	}
	return ip
}

// secure reports whether the call came over TLS, to us or to a trusted proxy in front of us.
func (g *Gate) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !g.trusted(from.Addr().Unmap().WithZone("")) {
		return false
	}
	said := r.Header.Values("X-Forwarded-Proto")
	return len(said) == 1 && strings.EqualFold(strings.TrimSpace(said[0]), "https")
}

func (g *Gate) trusted(ip netip.Addr) bool {
	for _, p := range g.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
