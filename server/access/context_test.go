package access_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
)

func keys(k *policy.Context) map[string]string {
	out := map[string]string{}
	for _, name := range k.Keys() {
		values, _ := k.Get(name)
		out[strings.ToLower(name)] = strings.Join(values, "|")
	}
	return out
}

func TestContext(t *testing.T) {
	w := newWorld(t)
	base := map[string]string{
		"aws:currenttime": "2026-11-22T04:05:06Z", "aws:epochtime": "1795320306", "aws:securetransport": "false", "aws:sourceip": "192.0.2.1",
		"aws:useragent": "test/1", "aws:referer": "http://r.example.test/",
	}
	signed := map[string]string{
		"aws:principalaccount": "111122223333", "aws:principalisawsservice": "false", "aws:viaawsservice": "false", "aws:requestedregion": "us-west-2",
	}
	user := map[string]string{
		"aws:principalarn": "arn:aws:iam::111122223333:user/ops/ann", "aws:principaltype": "User", "aws:userid": "AIDAQAAAAAAAEXAMPLE01",
		"aws:username": "ann", "aws:principaltag/team": "a",
	}
	temporary := map[string]string{"aws:tokenissuetime": "2026-11-22T04:05:06Z", "aws:multifactorauthpresent": "false"}
	role := map[string]string{
		"aws:principalarn": "arn:aws:iam::111122223333:role/team/reader", "aws:principaltype": "AssumedRole", "aws:userid": "AROAQAAAAAAAEXAMPLE01:web",
		"aws:principaltag/team": "session", "aws:principaltag/tier": "1", "aws:sourceidentity": "ann",
		"aws:federatedprovider": "arn:aws:iam::111122223333:oidc-provider/h.example.test",
	}
	tests := map[string]struct {
		caller access.Caller
		host   string
		want   []map[string]string
	}{
		"anonymous":         {want: []map[string]string{base, {"aws:requestedregion": "eu-test-1"}}},
		"anonymous, by STS": {host: "sts.ap-south-1.amazonaws.com", want: []map[string]string{base, {"aws:requestedregion": "ap-south-1"}}},
		"user":              {caller: w.caller(longTerm), want: []map[string]string{base, signed, user}},
		"user's session":    {caller: w.caller(w.session(userSession)), want: []map[string]string{base, signed, user, temporary}},
		"role":              {caller: w.caller(w.session(nil)), want: []map[string]string{base, signed, role, temporary}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{}
			for _, part := range test.want {
				for k, v := range part {
					want[k] = v
				}
			}
			r := httptest.NewRequest("POST", "http://podpass.example.test/", nil)
			r.Header.Set("User-Agent", "test/1")
			r.Header.Set("Referer", "http://r.example.test/")
			if test.host != "" {
				r.Host = test.host
			}
			if diff := cmp.Diff(want, keys(w.gate.Context(r, test.caller))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestForwardedHeaders(t *testing.T) {
	gate := access.New(access.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}})
	tests := map[string]struct {
		remote string
		header http.Header
		ip     string
		secure string
	}{
		"direct":                       {remote: "192.0.2.1:1", ip: "192.0.2.1", secure: "false"},
		"direct, lying":                {remote: "192.0.2.1:1", header: http.Header{"X-Forwarded-For": {"198.51.100.7"}, "X-Forwarded-Proto": {"https"}}, ip: "192.0.2.1", secure: "false"},
		"proxy":                        {remote: "10.0.0.1:1", header: http.Header{"X-Forwarded-For": {"198.51.100.7"}, "X-Forwarded-Proto": {"https"}}, ip: "198.51.100.7", secure: "true"},
		"proxy over http":              {remote: "10.0.0.1:1", header: http.Header{"X-Forwarded-For": {"198.51.100.7"}, "X-Forwarded-Proto": {"http"}}, ip: "198.51.100.7", secure: "false"},
		"proxy says two things":        {remote: "10.0.0.1:1", header: http.Header{"X-Forwarded-For": {"198.51.100.7"}, "X-Forwarded-Proto": {"https", "http"}}, ip: "198.51.100.7", secure: "false"},
		"the client lies to the proxy": {remote: "10.0.0.1:1", header: http.Header{"X-Forwarded-For": {"203.0.113.9, 198.51.100.7"}}, ip: "198.51.100.7", secure: "false"},
		"two proxies":                  {remote: "10.0.0.1:1", header: http.Header{"X-Forwarded-For": {"203.0.113.9", "198.51.100.7 , 10.2.0.2"}}, ip: "198.51.100.7", secure: "false"},
		"proxies all the way":          {remote: "10.0.0.1:1", header: http.Header{"X-Forwarded-For": {"10.0.0.3, 10.0.0.2"}}, ip: "10.0.0.3", secure: "false"},
		"proxy itself":                 {remote: "10.0.0.1:1", ip: "10.0.0.1", secure: "false"},
		"unreadable":                   {remote: "10.0.0.1:1", header: http.Header{"X-Forwarded-For": {"198.51.100.7, unknown"}}, secure: "false"},
		"IPv6":                         {remote: "[fd00::1%eth0]:1", header: http.Header{"X-Forwarded-For": {"2001:db8::7"}}, ip: "2001:db8::7", secure: "false"},
		"IPv4 in IPv6":                 {remote: "[::ffff:10.0.0.1]:1", header: http.Header{"X-Forwarded-For": {"::ffff:198.51.100.7"}}, ip: "198.51.100.7", secure: "false"},
		"Unix socket":                  {remote: "@", secure: "false"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "http://podpass.example.test/", nil)
			r.RemoteAddr = test.remote
			for k, v := range test.header {
				r.Header[k] = v
			}
			got := keys(gate.Context(r, access.Caller{}))
			if ip := gate.ClientIP(r); ip != test.ip || got["aws:sourceip"] != test.ip || got["aws:securetransport"] != test.secure {
				t.Errorf("got %s and %v, want %s and %s", ip, got, test.ip, test.secure)
			}
		})
	}
	t.Run("TLS", func(t *testing.T) {
		r := httptest.NewRequest("POST", "https://podpass.example.test/", nil)
		if got := keys(gate.Context(r, access.Caller{}))["aws:securetransport"]; got != "true" {
			t.Errorf("aws:SecureTransport = %s", got)
		}
	})
}
