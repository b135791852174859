package agent_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/agent"
)

// Whatever a request says: credentials go out for a good token, under a name of the agent's, to the pod's address, and an error is two lines of
// printable text that don't hold the token. Nothing of it is in the log.
func FuzzHandler(f *testing.F) {
	pods := newNodePods()
	pods.put(web.uid, "10.0.0.1")
	w := start(f, func(c *agent.Config) { c.Bind = pods })
	good := sign(f, clusterKey(), web.claims(time.Now()))
	forged := sign(f, foreignKey(), web.claims(time.Now()))
	for _, seed := range [][5]string{
		{"GET", "169.254.170.23", "/v1/credentials", good, "10.0.0.1:80"},
		{"GET", "[fd00:ec2::23]:80", "/v1/credentials", good, "10.0.0.1:80"},
		{"GET", "localhost:8080", "/v1/credentials", "Bearer " + good, "10.0.0.1:80"},
		{"GET", "[::ffff:169.254.170.23]", "/v1/credentials", good + "\n", "10.0.0.1:80"},
		{"GET", "localhost:80:80", "/v1/credentials", good + "==", "10.0.0.1:80"},
		{"GET", "fd00:ec2::23%eth0", "/v1/credentials/", forged, "[::1]:1"},
		{"HEAD", "evil\r\nX: y", "/v1/credentials", "", "@"},
		{"POST", "", "/", strings.Repeat("A.", 10000), "10.0.0.1:80"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	f.Fuzz(func(t *testing.T, method, host, path, authorization, remote string) {
		r := w.fetch("", func(r *http.Request) {
			r.Method, r.Host, r.URL.Path, r.Header["Authorization"], r.RemoteAddr = method, host, path, []string{authorization}, remote
		})
		if r.status == http.StatusOK {
			if method != "GET" || !ours(host) || path != "/v1/credentials" || authorization != good || !strings.Contains(remote, "10.0.0.1") {
				t.Fatalf("credentials for %q %q %q %q from %q", method, host, path, authorization, remote)
			}
			return
		}
		reason := r.header.Get("Podpass-Reason")
		lines := strings.Split(strings.TrimSuffix(r.body, "\n"), "\n")
		if r.status < 400 || r.status > 499 || len(lines) != 2 || lines[1] != reason || reason == "" || strings.Trim(r.body, printable) != "" {
			t.Fatalf("%d %q, reason %q", r.status, r.body, reason)
		}
		for part := range strings.SplitSeq(authorization, ".") {
			if len(part) > 40 && strings.Contains(r.body, part) && !strings.Contains(host, part) {
				t.Fatalf("the answer repeats the token: %q", r.body)
			}
		}
	})
}

// printable is what an answer may consist of.
var printable = func() string {
	var b strings.Builder
	b.WriteByte('\n')
	for c := byte(' '); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String()
}()

// ours reads a Host header another way than the agent does.
func ours(host string) bool {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	if strings.HasPrefix(host, "[") || strings.Count(host, ":") > 1 {
		name, _, _ = strings.Cut(strings.TrimPrefix(host, "["), "]")
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return name == "localhost" || name == "[localhost]" ||
		err == nil && (addr == netip.MustParseAddr("169.254.170.23") || addr == netip.MustParseAddr("fd00:ec2::23"))
}

// Whatever the query says: credentials of a role go out for exactly one parameter, which is the ARN of that role.
func FuzzQuery(f *testing.F) {
	sts := newSTS()
	w := start(f, withRoles(sts), func(c *agent.Config) { c.IRSA.MaxRoles = 1 << 30 })
	associated, raw := sign(f, clusterKey(), web.claims(time.Now())), web.stsToken(f)
	for _, seed := range []string{
		"", "role-arn=" + url.QueryEscape(webRole), "role-arn=" + dbRole, "role-arn=a&role-arn=b", "role-arn", "&", "=", "%", "role-arn=%zz", "a;b", "role%2Darn=" + webRole,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if r := w.fetch(associated, query(text)); r.status == http.StatusOK && text != "" || r.status >= 500 {
			t.Fatalf("the association's credentials for %q: %d", text, r.status)
		}
		values, err := url.ParseQuery(text)
		one := err == nil && len(values) == 1 && len(values["role-arn"]) == 1
		r := w.fetch(raw, query(text))
		if ok := r.status == http.StatusOK; ok && (!one || !roleName.MatchString(values.Get("role-arn"))) || !ok && r.status != http.StatusBadRequest {
			t.Fatalf("%q: %d %.200q", text, r.status, r.body)
		}
	})
}

// roleName reads a role's ARN another way than the agent does.
var roleName = regexp.MustCompile(`^arn:[^:]+:iam::[0-9]{12}:role/([!-~]*/)?[\w+=,.@-]{1,64}$`)
