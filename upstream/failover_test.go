package upstream_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/upstream"
)

// What an endpoint couldn't answer is asked of the next one, once, and what happened to the first is told if the second fails as well.
func TestFailover(t *testing.T) {
	hanging := serve(t, silent).URL
	tests := map[string]struct {
		first string // URL
		says  string
	}{
		"connection refused":      {refusing(t), "connection refused"},
		"nobody accepts":          {blackHole(t), "i/o timeout"},
		"connected and silent":    {hanging, "no answer within"},
		"503":                     {serve(t, answer(503, map[string]string{"X-Amzn-Errortype": "ServiceUnavailableException"}, `{"message":"later"}`)).URL, "ServiceUnavailableException: later"},
		"500 with nothing":        {serve(t, answer(500, nil, "")).URL, "answered 500"},
		"throttled":               {serve(t, answer(429, nil, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)).URL, "ThrottlingException"},
		"throttled with 400":      {serve(t, answer(400, map[string]string{"X-Amzn-Errortype": "ThrottlingException:http://internal.amazon.com/coral/"}, `{}`)).URL, "ThrottlingException"},
		"a proxy's page":          {serve(t, answer(200, nil, "<html>welcome</html>")).URL, "not EKS Auth's"},
		"a firewall's page":       {serve(t, answer(403, nil, "<html>blocked</html>")).URL, "answered 403"},
		"a redirect":              {serve(t, answer(302, map[string]string{"Location": hanging}, "")).URL, "answered 302"},
		"half a set":              {serve(t, answer(200, nil, `{"credentials":{"accessKeyId":"ASIA","expiration":4000000000}}`)).URL, "no whole set"},
		"credentials of the past": {serve(t, issued(time.Now().Add(-time.Minute))).URL, "expired already"},
		"an endless answer":       {serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2<<20)) }).URL, "not EKS Auth's"},
		"TLS that is none":        {"https" + strings.TrimPrefix(serve(t, granted()).URL, "http"), "HTTP"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			second := serve(t, granted())
			got, err := eksAuth(t, upstream.Options{}, test.first, second.URL).AssumeRoleForPodIdentity(ctx, "c1", pod)
			if err != nil {
				t.Fatal(err)
			}
			if got.Endpoint != second.URL || got.Credentials.AccessKeyID != "ASIAEXAMPLE" {
				t.Errorf("%+v", got)
			}
			second.asked(t, 1)

			short, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			down := refusing(t)
			_, err = eksAuth(t, upstream.Options{}, test.first, down).AssumeRoleForPodIdentity(short, "c1", pod)
			var nobody *upstream.Unavailable
			if !errors.As(err, &nobody) || len(nobody.Attempts) != 2 {
				t.Fatalf("got %v, want that nobody answered", err)
			}
			for _, part := range []string{test.first, test.says, down, "connection refused"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if errors.As(err, new(*upstream.Error)) {
				t.Error("no answer passes for an answer")
			}
		})
	}
}

// STS says some of it differently.
func TestFailoverSTS(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"the issuer is out of reach": stsError(400, "IDPCommunicationError", "x"),
		"the region is off":          stsError(403, "RegionDisabledException", "x"),
		"throttled":                  stsError(400, "Throttling", "Rate exceeded"),
		"a failure of its own":       stsError(500, "InternalFailure", "x"),
		"unavailable":                stsError(503, "ServiceUnavailable", "x"),
		"a proxy's page":             answer(200, nil, "<html><body>welcome</body></html>"),
		"a firewall's page":          answer(403, nil, "blocked"),
		"no credentials":             minio("<Credentials/>"),
	} {
		t.Run(name, func(t *testing.T) {
			one, two := serve(t, first), serve(t, minio(minioCredentials(time.Now().Add(time.Hour))))
			endpoint, err := bySTS(t, upstream.Options{}, one.URL, two.URL)(t.Context())
			if err != nil || endpoint != two.URL {
				t.Errorf("%s, %v", endpoint, err)
			}
			one.asked(t, 1)
			two.asked(t, 1)
		})
	}
}

// A refusal is an answer: nobody else is asked, and it tells all it knows.
func TestRefusalIsAnAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		code   string
	}{
		"not allowed":    {400, "AccessDeniedException"},
		"expired":        {400, "ExpiredTokenException"},
		"bad":            {400, "InvalidTokenException"},
		"no association": {404, "ResourceNotFoundException"},
		"a signature":    {403, "InvalidSignatureException"},
	} {
		t.Run(name, func(t *testing.T) {
			first := serve(t, answer(test.status, map[string]string{
				"X-Amzn-Errortype": test.code, "X-Amzn-Requestid": "r-1", "Podpass-Reason": "no association names shop/web",
			}, `{"message":"no"}`))
			second := serve(t, granted())
			_, err := eksAuth(t, upstream.Options{}, first.URL, second.URL).AssumeRoleForPodIdentity(t.Context(), "c1", pod)
			var refused *upstream.Error
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			want := upstream.Error{
				Status: test.status, Code: test.code, Message: "no", RequestID: "r-1", Reason: "no association names shop/web", Endpoint: first.URL,
			}
			if *refused != want {
				t.Errorf("got %+v, want %+v", *refused, want)
			}
			second.asked(t, 0)
		})
	}
	for _, code := range []string{"AccessDenied", "ExpiredTokenException", "InvalidIdentityToken", "IDPRejectedClaim", "ValidationError", "MalformedPolicyDocument", "PackedPolicyTooLarge"} {
		t.Run("STS "+code, func(t *testing.T) {
			first, second := serve(t, stsError(403, code, "no")), serve(t, granted())
			_, err := bySTS(t, upstream.Options{}, first.URL, second.URL)(t.Context())
			var refused *upstream.Error
			if !errors.As(err, &refused) || *refused != (upstream.Error{Status: 403, Code: code, Message: "no", RequestID: "6f0c", Endpoint: first.URL}) {
				t.Errorf("got %#v", err)
			}
			second.asked(t, 0)
		})
	}
}

// An error must not give away the token or the keys, whatever the far end puts into its answer.
func TestErrorsKeepSecrets(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"echo":          answer(400, map[string]string{"X-Amzn-Errortype": "InvalidTokenException", "Podpass-Reason": pod}, `{"message":"bad token `+pod+`"}`),
		"echo, failing": answer(503, nil, `{"__type":"`+pod+`","message":"`+pod+`"}`),
		"echo by STS":   stsError(400, "InvalidIdentityToken", "bad token "+pod),
		"garbage":       answer(200, nil, pod),
		"silence":       silent,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			at := serve(t, first).URL
			_, one := eksAuth(t, upstream.Options{}, at).AssumeRoleForPodIdentity(ctx, "c1", pod)
			_, two := bySTS(t, upstream.Options{}, at)(ctx)
			for _, err := range []error{one, two} {
				if err == nil {
					t.Fatal("it worked")
				}
				for _, secret := range []string{pod, "the-server's-own-secret"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%q gives a secret away", err)
					}
				}
			}
		})
	}
}

// The SDK's endpoint variables lead nowhere else than to the endpoint.
func TestEnvironmentRedirectsNothing(t *testing.T) {
	trap := serve(t, answer(500, nil, ""))
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"} {
		t.Setenv(name, trap.URL)
	}
	at := serve(t, minio(minioCredentials(time.Now().Add(time.Hour))))
	if _, err := bySTS(t, upstream.Options{}, at.URL)(t.Context()); err != nil {
		t.Error(err)
	}
	trap.asked(t, 0)
}

// A private authority is trusted where its certificate is given, and nowhere else.
func TestRoots(t *testing.T) {
	at := httptest.NewTLSServer(granted())
	t.Cleanup(at.Close)
	roots := x509.NewCertPool()
	roots.AddCert(at.Certificate())
	endpoints := func() *upstream.Endpoints { return list(t, upstream.Options{}, at.URL) }
	if _, err := upstream.NewEKSAuth(endpoints(), signing, upstream.NewHTTPClient(roots)).AssumeRoleForPodIdentity(t.Context(), "c1", pod); err != nil {
		t.Error(err)
	}
	_, err := upstream.NewEKSAuth(endpoints(), signing, upstream.NewHTTPClient(x509.NewCertPool())).AssumeRoleForPodIdentity(t.Context(), "c1", pod)
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}
