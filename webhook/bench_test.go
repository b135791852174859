package webhook_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/podpass/podpass/webhook"
)

// accountsFunc answers for every account alike.
type accountsFunc func(ctx context.Context, namespace, name string) (webhook.Account, error)

func (f accountsFunc) Account(ctx context.Context, namespace, name string) (webhook.Account, error) {
	return f(ctx, namespace, name)
}

func BenchmarkReview(b *testing.B) {
	for _, bench := range []struct {
		name    string
		account webhook.Account
	}{
		{"patched", webhook.Account{Found: true, Annotations: map[string]string{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/my-role"}}},
		{"unpatched", webhook.Account{Found: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			hook, err := webhook.New(webhook.Config{
				Settings: webhook.Settings{DefaultRegion: "us-west-2"},
				Accounts: accountsFunc(func(context.Context, string, string) (webhook.Account, error) { return bench.account, nil }),
			})
			if err != nil {
				b.Fatal(err)
			}
			body, err := os.ReadFile("testdata/admission-deployment.json")
			if err != nil {
				b.Fatal(err)
			}
			handler := hook.Handler()
			request := httptest.NewRequest(http.MethodPost, webhook.PathMutate, nil)
			request.Header.Set("Content-Type", "application/json")
			request.ContentLength = int64(len(body))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				request.Body = io.NopCloser(bytes.NewReader(body))
				answer := answerWriter{header: make(http.Header)}
				handler.ServeHTTP(&answer, request)
				if answer.bytes == 0 {
					b.Fatal("no answer")
				}
			}
		})
	}
}

// answerWriter counts what it is written.
type answerWriter struct {
	header http.Header
	bytes  int
}

func (a *answerWriter) Header() http.Header         { return a.header }
func (a *answerWriter) WriteHeader(int)             {}
func (a *answerWriter) Write(p []byte) (int, error) { a.bytes += len(p); return len(p), nil }
