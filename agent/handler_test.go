package agent_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/token"
)

func TestAnswer(t *testing.T) {
	at := time.Date(2126, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	w := start(t)
	w.backend.set(func(_ context.Context, r agent.Request) (*agent.Credentials, error) {
		if r.Claims.Kubernetes.PodUID != web.uid {
			t.Errorf("asked for %v", r.Claims)
		}
		return &agent.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "sk+/=", SessionToken: "st", AccountID: "111122223333", Expiration: at}, nil
	})
	r := w.fetch(web.token(t))
	want := `{"AccessKeyId":"ASIA","SecretAccessKey":"sk+/=","Token":"st","AccountId":"111122223333","Expiration":"2126-01-02T02:04:05Z"}`
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", r.header)
	}
}

// Errors are the EKS agent's, with our reason on a second line and in a header.
func TestErrorBodies(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{errNoRole, 404, "[r-1]: (ResourceNotFoundException): No Association found., fault: client\nno association for shop/web\n"},
		{&agent.Error{Status: 500, Code: "InternalServerException", Message: "two\nlines", RequestID: "r"}, 500, "[r]: (InternalServerException): two?lines, fault: server\n"},
		{&agent.Error{Status: 400, Code: "AccessDeniedException", Reason: "é\r\nX-Evil: 1"}, 400, "[]: (AccessDeniedException): , fault: client\n???X-Evil: 1\n"},
		{errOutage, 503, "[]: (ServiceUnavailableException): Credentials could not be obtained, fault: server\n" +
			"the service behind the agent gave no answer: connection refused\n"},
	} {
		w := start(t)
		w.backend.set(failing(c.err))
		r := w.fetch(web.token(t))
		_, reason, _ := strings.Cut(strings.TrimSuffix(r.body, "\n"), "\n")
		if r.status != c.status || r.body != c.body || r.header.Get("Podpass-Reason") != reason || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%v: %d %q %v", c.err, r.status, r.body, r.header)
		}
	}
}

func TestHostPathMethod(t *testing.T) {
	w := start(t)
	raw := web.token(t)
	for _, c := range []struct {
		method, host, path string
		status             int
	}{
		{"GET", "169.254.170.23", "/v1/credentials", 200},
		{"GET", "169.254.170.23:80", "/v1/credentials", 200},
		{"GET", "[fd00:ec2::23]", "/v1/credentials", 200},
		{"GET", "[fd00:ec2::23]:80", "/v1/credentials?x=y", 400},
		{"GET", "[fd00:0ec2:0::23]", "/v1/credentials", 200},
		{"GET", "LOCALHOST:8080", "/v1/credentials", 200},
		{"GET", "169.254.170.2", "/v1/credentials", 403},
		{"GET", "evil.example", "/v1/credentials", 403},
		{"GET", "localhost.evil.example", "/v1/credentials", 403},
		{"GET", "", "/v1/credentials", 403},
		{"GET", "[", "/v1/credentials", 403},
		{"POST", "evil.example", "/v1/credentials", 403},
		{"POST", "169.254.170.23", "/v1/credentials", 405},
		{"HEAD", "169.254.170.23", "/v1/credentials", 405},
		{"OPTIONS", "169.254.170.23", "/v1/credentials", 405},
		{"GET", "169.254.170.23", "/", 404},
		{"GET", "169.254.170.23", "/v1/credentials/", 404},
		{"GET", "169.254.170.23", "/latest/meta-data", 404},
	} {
		r := w.fetch(raw, func(r *http.Request) {
			r.Method, r.Host = c.method, c.host
			r.URL.Path, r.URL.RawQuery, _ = strings.Cut(c.path, "?")
		})
		if r.status != c.status || r.status != 200 && r.header.Get("Podpass-Reason") == "" {
			t.Errorf("%s %s%s: %d %s", c.method, c.host, c.path, r.status, r.body)
		}
	}
	r := w.fetch(raw, func(r *http.Request) { r.Host = "10.1.2.3" })
	const want = "Access Denied. Called agent through invalid address, please use either [169.254.170.23 fd00:ec2::23 localhost] address not 10.1.2.3\n"
	if !strings.HasPrefix(r.body, want) {
		t.Errorf("%q", r.body)
	}
}

func TestBadTokens(t *testing.T) {
	now := time.Now()
	good := web.token(t)
	parts := strings.Split(good, ".")
	changed := func(change func(*token.Claims)) string {
		c := web.claims(now)
		change(&c)
		return sign(t, clusterKey(), c)
	}
	w := start(t)
	for name, c := range map[string]struct{ header, text string }{
		"empty":                {"", "Service account token cannot be empty"},
		"Bearer":               {"Bearer " + good, "send the raw token"},
		"bearer":               {"bearer " + good, "without a Bearer prefix"},
		"Basic":                {"Basic dXNlcjpwYXNz", "Service account token cannot be parsed"},
		"spaces":               {" " + good, "cannot be parsed"},
		"two tokens":           {good + "," + good, "cannot be parsed"},
		"line break":           {good + "\n", "line break"},
		"line break inside":    {parts[0] + ".\r\n" + parts[1] + "." + parts[2], "line break"},
		"NUL":                  {good + "\x00", "control character"},
		"not ASCII":            {good + "é", "not ASCII"},
		"too long":             {strings.Repeat("A", token.MaxSize+1), "longer than 20000 bytes"},
		"two parts":            {parts[0] + "." + parts[1], "cannot be parsed"},
		"no signature":         {parts[0] + "." + parts[1] + ".", "cannot be parsed"},
		"alg none":             {"eyJhbGciOiJub25lIn0." + parts[1] + "." + parts[2], "cannot be parsed"},
		"padded":               {good + "=", "cannot be parsed"},
		"foreign key":          {sign(t, foreignKey(), web.claims(now)), "basic claim validations"},
		"signature of another": {parts[0] + "." + parts[1] + "." + strings.Split(podOf(2).token(t), ".")[2], "signature does not match"},
		"expired":              {changed(func(c *token.Claims) { c.IssuedAt, c.Expiry = now.Add(-2*time.Hour), now.Add(-time.Hour) }), "token is expired"},
		"not yet valid":        {changed(func(c *token.Claims) { c.NotBefore = now.Add(time.Hour) }), "token is not valid yet"},
		"issued in the future": {changed(func(c *token.Claims) { c.IssuedAt = now.Add(time.Hour) }), "token is not valid yet"},
		"other issuer":         {changed(func(c *token.Claims) { c.Issuer += "/" }), "invalid issuer"},
		"other audience":       {changed(func(c *token.Claims) { c.Audience = []string{"sts.amazonaws.com"} }), "invalid audience"},
		"a user":               {changed(func(c *token.Claims) { c.Subject = "admin" }), "no service account"},
		"other namespace":      {changed(func(c *token.Claims) { c.Subject = "system:serviceaccount:kube-system:web" }), "no service account"},
	} {
		r := w.fetch("", func(r *http.Request) { r.Header["Authorization"] = []string{c.header} })
		if r.status != 400 || !strings.Contains(r.body, c.text) || !strings.HasPrefix(r.body, "Service account token ") || r.header.Get("Podpass-Reason") == "" {
			t.Errorf("%s: %d %.300q", name, r.status, r.body)
		}
		if len(c.header) > 30 && strings.Contains(r.body, c.header[7:30]) {
			t.Errorf("%s: the answer repeats the token", name)
		}
	}
	for _, header := range [][]string{nil, {good, good}} {
		if r := w.fetch("", func(r *http.Request) { r.Header["Authorization"] = header }); r.status != 400 {
			t.Errorf("%d headers: %d", len(header), r.status)
		}
	}
	w.mustHaveCalled(0)
	w.mustFetch(good, 1)
}

// What net/http makes of bytes that are no header, on a real connection: nothing gets through that a pod did not mean.
func TestRawRequests(t *testing.T) {
	w := start(t)
	server := httptest.NewUnstartedServer(w.Handler())
	server.Config.MaxHeaderBytes = agent.MaxHeaderBytes
	server.Start()
	t.Cleanup(server.Close)
	good := web.token(t)
	for name, c := range map[string]struct {
		headers string
		status  int
	}{
		"good":              {"Host: localhost\r\nAuthorization: " + good + "\r\n", 200},
		"folded at the end": {"Host: localhost\r\nAuthorization: " + good + "\r\n \r\n", 400},
		"folded inside":     {"Host: localhost\r\nAuthorization: " + good[:50] + "\r\n " + good[50:] + "\r\n", 400},
		"bare LF inside":    {"Host: localhost\r\nAuthorization: " + good[:50] + "\n" + good[50:] + "\r\n", 400},
		"NUL":               {"Host: localhost\r\nAuthorization: " + good + "\x00\r\n", 400},
		"twice":             {"Host: localhost\r\nAuthorization: " + good + "\r\nAuthorization: " + good + "\r\n", 400},
		"no host":           {"Authorization: " + good + "\r\n", 400},
		"two hosts":         {"Host: localhost\r\nHost: evil\r\nAuthorization: " + good + "\r\n", 400},
		"20,001 bytes":      {"Host: localhost\r\nAuthorization: " + strings.Repeat("A", 20001) + "\r\n", 400},
		"a megabyte":        {"Host: localhost\r\nAuthorization: " + strings.Repeat("A", 1<<20) + "\r\n", 431},
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = fmt.Fprintf(conn, "GET /v1/credentials HTTP/1.1\r\n%s\r\n", c.headers) }()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			if res.StatusCode != c.status {
				t.Errorf("%s: %s", name, res.Status)
			}
			_, _ = io.Copy(io.Discard, res.Body)
		}
		_ = conn.Close()
	}
}

func TestMetrics(t *testing.T) {
	w := start(t)
	raw := web.token(t)
	w.mustFetch(raw, 1)
	w.mustFetch(raw, 1)
	w.fetch("Bearer " + raw)
	w.backend.set(failing(errNoRole))
	w.AllAssociationsChanged()
	w.mustRefuse(raw, 404, "")
	want := map[string]float64{
		"pod_identity_cache_errors ResourceNotFoundException NonRecoverable": 1,
		"pod_identity_cache_state evicted":                                   1,
		"pod_identity_cache_state hit":                                       1,
		"pod_identity_cache_state miss":                                      1,
		"pod_identity_http_response 200":                                     2,
		"pod_identity_http_response 400":                                     1,
		"pod_identity_http_response 404":                                     1,
		"podpass_agent_backend_calls_in_flight":                              0,
		"podpass_agent_backend_calls_total ResourceNotFoundException":        1,
		"podpass_agent_backend_calls_total obtained":                         1,
		"podpass_agent_backend_calls_waiting":                                0,
		"podpass_agent_backend_seconds":                                      2,
		"podpass_agent_cache_entries":                                        0,
		"podpass_agent_fetches_total hit":                                    1,
		"podpass_agent_fetches_total miss":                                   1,
		"podpass_agent_fetches_total refused":                                2,
		"podpass_agent_renewals_total":                                       0,
	}
	if diff := cmp.Diff(want, w.gather()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// gather is every metric, by its name and the values of its labels; of a histogram the count.
func (w *world) gather() map[string]float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			out[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}
