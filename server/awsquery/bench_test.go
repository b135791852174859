package awsquery_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awsquery"
)

type exchange struct {
	RoleArn          string
	RoleSessionName  string
	WebIdentityToken string
	DurationSeconds  *int
	PolicyArns       []animal
}

func (e *exchange) Validate(v *awsquery.Validator) {
	v.Length("roleArn", e.RoleArn, 20, 2048)
	v.SecretLength("webIdentityToken", e.WebIdentityToken, 4, 20000)
}

type exchanged struct {
	Audience    string
	Credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken string
		Expiration                                 time.Time
	}
}

type discard struct{}

func (discard) Record(audit.Event) error { return nil }

type sink struct{ header http.Header }

func (s sink) Header() http.Header         { return s.header }
func (s sink) Write(b []byte) (int, error) { return len(b), nil }
func (s sink) WriteHeader(int)             {}

// What the pipeline itself costs an unsigned exchange, its work left out.
func BenchmarkUnsigned(b *testing.B) {
	gate := access.New(access.Config{Region: "us-west-2"})
	token := strings.Repeat("t", 1000)
	do := awsquery.NewAction("AssumeRoleWithWebIdentity", func(_ context.Context, c *awsquery.Call, in *exchange) (*exchanged, error) {
		gate.Context(c.Request, c.Caller)
		out := &exchanged{Audience: "sts.amazonaws.com"}
		out.Credentials.SessionToken, out.Credentials.Expiration = in.WebIdentityToken, now
		return out, nil
	}).Open()
	p := awsquery.Pipeline{Gate: gate, Audit: discard{}}
	h := p.Handler(awsquery.Service{Name: "sts", Version: "2011-06-15", Actions: []awsquery.Action{do}})
	body := "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=s&WebIdentityToken=" + token
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "http://h.example.test/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.ServeHTTP(sink{http.Header{}}, r)
	}
}

// The request alone, to be taken off.
func BenchmarkRequest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "http://h.example.test/", strings.NewReader(strings.Repeat("x", 1100)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}
