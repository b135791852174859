package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/podpass/podpass/webhook"
)

// annotated is the service account whose pods are patched; every other has no annotation.
const annotated, bare = "annotated", "bare"

const benchRole = "arn:aws:iam::111122223333:role/bench"

// oneAnnotated are the accounts of a cluster that costs nothing to ask.
type oneAnnotated struct{}

func (oneAnnotated) Account(_ context.Context, _, name string) (webhook.Account, error) {
	if name == annotated {
		return webhook.Account{Found: true, Annotations: map[string]string{"eks.amazonaws.com/role-arn": benchRole}}, nil
	}
	return webhook.Account{Found: true}, nil
}

// serveReviews is a process of its own, run as `bench reviews CERTIFICATE KEY [REPLY]`; it prints its address. Without a reply it is the webhook's handler
// over a lookup that costs nothing; with one it is the limit: read the body, write the reply in that file.
func serveReviews(args []string) error {
	certificate, err := tls.LoadX509KeyPair(args[0], args[1])
	if err != nil {
		return err
	}
	var handler http.Handler
	if len(args) == 3 {
		reply, err := os.ReadFile(args[2])
		if err != nil {
			return err
		}
		handler = fixed(reply)
	} else {
		hook, err := webhook.New(webhook.Config{
			Settings: webhook.Settings{DefaultRegion: "us-west-2"}, Accounts: oneAnnotated{}, Registerer: prometheus.NewRegistry(),
			Log:     slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})),
			Version: func() webhook.Version { return webhook.ParseVersion("v1.36.0") },
		})
		if err != nil {
			return err
		}
		handler = hook.Handler()
	}
	untouched := make([]byte, 16<<20) // as podpass webhook has it, for both alike
	defer runtime.KeepAlive(untouched)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("ready https://%s\n", listener.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// fixed is the least a webhook can do.
func fixed(reply []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			w.Header()["Content-Type"] = []string{"application/json"}
			w.Write(reply)
		}
	})
}

// reviewOf is a fixture of package webhook, a pod as a deployment's, with another service account.
func reviewOf(account string) ([]byte, error) {
	body, err := os.ReadFile("webhook/testdata/admission-deployment.json")
	if err != nil {
		return nil, fmt.Errorf("%w (run it in the repository)", err)
	}
	return bytes.ReplaceAll(body, []byte(`"my-service-account"`), []byte(`"`+account+`"`)), nil
}
