package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// launchEtcd starts a cluster of one, which keeps its state and its log in the directory.
func launchEtcd(path, dir, clientURL, peerURL string) (*process, error) {
	return launch("etcd", filepath.Join(dir, "etcd.log"), path,
		"--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", clientURL, "--advertise-client-urls", clientURL,
		"--listen-peer-urls", peerURL, "--initial-advertise-peer-urls", peerURL, "--initial-cluster", "default="+peerURL,
		"--unsafe-no-fsync") // what is written here lives no longer than the process
}

// StartEtcd returns the URL of an etcd that is ready and ends with the test, for servers that share their state.
func StartEtcd(t *testing.T) string {
	t.Helper()
	path, err := etcd.command(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		url, err := startEtcd(ctx, t, path)
		if err == nil {
			return url
		}
		if attempt == 3 || !errors.Is(err, errPortTaken) {
			t.Fatal(err)
		}
	}
}

func startEtcd(ctx context.Context, t *testing.T, path string) (string, error) {
	ports, err := freePorts(2)
	if err != nil {
		return "", err
	}
	url := "http://" + ports[0]
	p, err := launchEtcd(path, t.TempDir(), url, "http://"+ports[1])
	if err != nil {
		return "", err
	}
	t.Cleanup(func() {
		if err := p.kill(); err != nil {
			t.Error(err)
		}
	})
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		if healthy(ctx, url) {
			return url, nil
		}
		select {
		case <-p.ended:
			if p.portTaken() {
				return "", fmt.Errorf("etcd ended: %w", errPortTaken)
			}
			return "", fmt.Errorf("etcd ended before it was ready\n%s", p.tail())
		case <-ctx.Done():
			return "", fmt.Errorf("etcd is not ready (%w)\n%s", ctx.Err(), p.tail())
		case <-again.C:
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
