package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/upstream"
)

// pod is a token no error may repeat.
const pod = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ3ZWIifQ.c2lnbmF0dXJl"

var signing = credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "the-server's-own-secret", "")

// service is one endpoint on a real listener, with what it was asked.
type service struct {
	*httptest.Server
	calls atomic.Int32
	mu    sync.Mutex
	last  *http.Request // with its form read
	body  string
}

func serve(t *testing.T, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading a request: %v", err)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		_ = r.ParseForm() // EKS Auth's is none
		s.mu.Lock()
		s.last, s.body = r, string(body)
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) asked(t *testing.T, times int32) {
	t.Helper()
	if n := s.calls.Load(); n != times {
		t.Errorf("%s was asked %d times, want %d", s.URL, n, times)
	}
}

func answer(status int, headers map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range headers {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// issued is EKS Auth's answer, as its model has it.
func issued(expires time.Time) http.HandlerFunc {
	return answer(200, map[string]string{"Content-Type": "application/json"}, fmt.Sprintf(`{"subject":{"namespace":"shop","serviceAccount":"web"},
		"audience":"pods.eks.amazonaws.com",
		"podIdentityAssociation":{"associationArn":"arn:aws:eks:us-west-2:123456789012:podidentityassociation/c1/a-abcdefghijklmnop1","associationId":"a-abcdefghijklmnop1"},
		"assumedRoleUser":{"arn":"arn:aws:sts::123456789012:assumed-role/reader/eks-c1-web","assumeRoleId":"AROAQAAAAAAAEXAMPLE01:eks-c1-web"},
		"credentials":{"sessionToken":"session","secretAccessKey":"secret","accessKeyId":"ASIAEXAMPLE","expiration":%d.5}}`, expires.Unix()))
}

func granted() http.HandlerFunc { return issued(time.Now().Add(time.Hour)) }

// stsError is an error document of the Query protocol.
func stsError(status int, code, message string) http.HandlerFunc {
	return answer(status, map[string]string{"Content-Type": "text/xml"}, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>`+
		code+`</Code><Message>`+message+`</Message></Error><RequestId>6f0c</RequestId></ErrorResponse>`)
}

// refusing is an address nobody listens at.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// blackHole is an address at which connecting takes forever: a listener that accepts nothing, with its queue full.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 16 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return "http://" + address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the listener's queue has no end")
	return ""
}

// silent takes the request and says nothing until the client leaves.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func list(t *testing.T, o upstream.Options, urls ...string) *upstream.Endpoints {
	t.Helper()
	var all []upstream.Endpoint
	for _, u := range urls {
		e, err := upstream.ParseEndpoint(u, "us-west-2", false)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return upstream.NewEndpoints(all, o)
}

func eksAuth(t *testing.T, o upstream.Options, urls ...string) *upstream.EKSAuth {
	t.Helper()
	return upstream.NewEKSAuth(list(t, o, urls...), signing, upstream.NewHTTPClient(nil))
}

func bySTS(t *testing.T, o upstream.Options, urls ...string) func(context.Context) (string, error) {
	t.Helper()
	client := upstream.NewSTS(list(t, o, urls...), nil, upstream.NewHTTPClient(nil))
	return func(ctx context.Context) (string, error) {
		out, err := client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::444455556666:role/r"), RoleSessionName: aws.String("web"), WebIdentityToken: aws.String(pod),
		})
		if err != nil {
			return "", err
		}
		return out.Endpoint, nil
	}
}
