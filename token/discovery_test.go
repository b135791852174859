package token_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/podpass/podpass/token"
)

// web answers for every host: URL -> body, or "->" and where it redirects to.
type web map[string]string

func (w web) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	switch body, ok := w[req.URL.String()]; {
	case !ok:
		rec.WriteHeader(http.StatusNotFound)
	case strings.HasPrefix(body, "->"):
		rec.Header().Set("Location", body[2:])
		rec.WriteHeader(http.StatusFound)
	default:
		_, _ = io.WriteString(rec, body)
	}
	return rec.Result(), nil
}

// recording remembers what was asked for.
type recording struct {
	web
	asked []string
}

func (r *recording) RoundTrip(req *http.Request) (*http.Response, error) {
	r.asked = append(r.asked, req.URL.String())
	return r.web.RoundTrip(req)
}

// over is a client with the given one's rules, over w.
func over(c *http.Client, w web) *http.Client {
	c.Transport = w
	return c
}

func TestDiscover(t *testing.T) {
	keys := set(rsaJWK(2048, "a", ""))
	const iss = "https://i.test/id/1"
	const wellKnown = iss + "/.well-known/openid-configuration"
	doc := func(issuer, uri string) string { return `{"issuer":"` + issuer + `","jwks_uri":"` + uri + `","x":{}}` }
	for _, c := range []struct {
		name, issuer string
		web          web
		ok           bool
	}{
		{"plain", iss, web{wellKnown: doc(iss, "https://i.test/keys"), "https://i.test/keys": keys}, true},
		{"keys on another host and port", iss, web{wellKnown: doc(iss, "https://k.test:6443/keys"), "https://k.test:6443/keys": keys}, true},
		{"issuer with a slash at its end", iss + "/", web{wellKnown: doc(iss+"/", "https://i.test/keys"), "https://i.test/keys": keys}, true},
		{
			"issuer in the clear", "http://127.0.0.1:1/oidc",
			web{"http://127.0.0.1:1/oidc/.well-known/openid-configuration": doc("http://127.0.0.1:1/oidc", "http://127.0.0.1:1/k"), "http://127.0.0.1:1/k": keys},
			true,
		},
		{"a real API server's", "https://oidc.podpass.test/id/demo", web{
			"https://oidc.podpass.test/id/demo/.well-known/openid-configuration": fixture(t, "openid-configuration.json"),
			"https://192.0.2.2:6443/openid/v1/jwks":                              fixture(t, "jwks.json"),
		}, true},
		{"no document", iss, web{}, false},
		{"document of another issuer", iss, web{wellKnown: doc("https://i.test/id/2", "https://i.test/keys"), "https://i.test/keys": keys}, false},
		{"issuer differs in a slash", iss, web{wellKnown: doc(iss+"/", "https://i.test/keys"), "https://i.test/keys": keys}, false},
		{"issuer twice", iss, web{wellKnown: `{"issuer":"x",` + doc(iss, "https://i.test/keys")[1:], "https://i.test/keys": keys}, false},
		{"no jwks_uri", iss, web{wellKnown: `{"issuer":"` + iss + `"}`}, false},
		{"keys in the clear", iss, web{wellKnown: doc(iss, "http://i.test/keys"), "http://i.test/keys": keys}, false},
		{"keys in a file", iss, web{wellKnown: doc(iss, "file:///keys")}, false},
		{"keys at a relative URL", iss, web{wellKnown: doc(iss, "/keys"), "https://i.test/keys": keys}, false},
		{"keys behind credentials", iss, web{wellKnown: doc(iss, "https://u:p@i.test/keys"), "https://u:p@i.test/keys": keys}, false},
		{"keys missing", iss, web{wellKnown: doc(iss, "https://i.test/keys")}, false},
		{"keys are not keys", iss, web{wellKnown: doc(iss, "https://i.test/keys"), "https://i.test/keys": "{}"}, false},
		{"document redirected", iss, web{wellKnown: "->https://i.test/d", "https://i.test/d": doc(iss, "https://i.test/keys"), "https://i.test/keys": keys}, false},
		{"keys redirected", iss, web{wellKnown: doc(iss, "https://i.test/keys"), "https://i.test/keys": "->https://i.test/k", "https://i.test/k": keys}, false},
		{"document too large", iss, web{wellKnown: doc(iss, "https://i.test/keys") + strings.Repeat(" ", 1<<20), "https://i.test/keys": keys}, false},
		{"keys too large", iss, web{wellKnown: doc(iss, "https://i.test/keys"), "https://i.test/keys": keys + strings.Repeat(" ", 1<<20)}, false},
	} {
		for _, client := range []*http.Client{token.PublicClient(), token.RegisteredClient()} {
			got, err := token.Discover(over(client, c.web), c.issuer)(t.Context())
			if c.ok != (err == nil) {
				t.Errorf("%s: %v", c.name, err)
			}
			if err == nil && got.Len() != 1 {
				t.Errorf("%s: %d keys", c.name, got.Len())
			}
		}
	}
}

func TestAPIServer(t *testing.T) {
	for _, base := range []string{"https://api.test:6443", "https://api.test:6443/"} {
		client := over(token.RegisteredClient(), web{"https://api.test:6443/openid/v1/jwks": fixture(t, "jwks.json")})
		if got, err := token.APIServer(client, base)(t.Context()); err != nil || got.Len() != 1 {
			t.Errorf("%s: %v", base, err)
		}
	}
	if _, err := token.APIServer(over(token.RegisteredClient(), web{}), "https://api.test:6443")(t.Context()); err == nil {
		t.Error("404 accepted")
	}
}

// A public client dials public addresses over TLS, whatever the environment's proxy and however the address is written.
func TestPublicClientRefusesAddresses(t *testing.T) {
	proxied := make(chan string, 100)
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proxied <- r.URL.String() }))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("https_proxy", proxy.URL)

	for _, host := range []string{
		"127.0.0.1", "127.8.8.8:6443", "localhost", "[::1]", "0.0.0.0", "[::]", "0.1.2.3",
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "[fd00::1]", "[fc00::1]",
		"169.254.169.254", "169.254.170.23", "[fe80::1]", "[fe80::1%25lo]", "[fd00:ec2::23]", "[fec0::1]",
		"100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "[ff02::1]",
		"[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]",
		"[64:ff9b::a00:1]", "[64:ff9b:1::1]", "[2002:a00:1::1]", "[2001::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]", "[4000::1]",
	} {
		_, err := token.Discover(token.PublicClient(), "https://"+host)(t.Context())
		if err == nil || !strings.Contains(err.Error(), "is not a public address") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := token.Discover(token.PublicClient(), "http://8.8.8.8")(t.Context()); err == nil || !strings.Contains(err.Error(), "only https://") {
		t.Errorf("in the clear: %v", err)
	}
	select {
	case url := <-proxied:
		t.Errorf("went through the proxy: %s", url)
	default:
	}
}

func TestRegisteredClientReachesLoopback(t *testing.T) {
	var base string
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"issuer":"`+base+`","jwks_uri":"`+base+`/keys"}`)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, set(rsaJWK(2048, "a", ""))) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	base = server.URL
	if got, err := token.Discover(token.RegisteredClient(), base)(t.Context()); err != nil || got.Len() != 1 {
		t.Errorf("%v", err)
	}
}
