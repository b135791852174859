package token

import (
	"net/netip"
	"testing"
)

// The addresses a public client admits can't be dialled in a test; that it refuses others is tested by dialling them.
func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "172.32.0.1": true, "100.128.0.1": true, "192.0.1.1": true, "223.255.255.255": true,
		"2606:4700::1111": true, "2a00:1450::1": true, "2001:4860::1": true, "2003::1": true,
		"::ffff:8.8.8.8": false, "2606:4700::1111%eth0": false, "172.31.0.1": false, "100.127.0.1": false, "2001:1ff::1": false, "2002::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}
