package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// onLoopback serves the way into the cluster on an address of this machine until ctx ends; wait returns then, or with what ended it before. Plain HTTP
// never leaves the machine: what goes on from here is TLS, verified.
func (in *installed) onLoopback(ctx context.Context, address string, log *slog.Logger) (url string, wait func() error, err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, err
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return "", nil, errors.Join(errors.New(listener.Addr().String()+" is no address of loopback: requests would leave this machine unencrypted"), listener.Close())
	}
	server := &http.Server{
		Handler: in.Proxy(log), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		defer in.Close()
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
			return server.Close()
		}
	}, nil
}
