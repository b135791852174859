package kubernetes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	core "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// Issuer is what the tokens of a Cluster name as their issuer. Nothing listens there.
const Issuer = "https://kubernetes.default.svc"

// startTimeout is for a machine that is busy with other things; an idle one takes seven seconds.
const startTimeout = 3 * time.Minute

// Cluster is a running API server.
type Cluster struct {
	dir    string
	token  string // the administrator's
	host   string
	etcd   *process
	server *process
	client core.CoreV1Interface
}

// Start returns once the API server is ready; the cluster ends with the test.
func Start(t *testing.T) *Cluster {
	t.Helper()
	c, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Open is Start without a test: everything is kept below dir, and Stop ends it. One that could not be started has left no process.
func Open(ctx context.Context, dir string) (*Cluster, error) {
	etcdPath, err := etcd.command(ctx)
	if err != nil {
		return nil, err
	}
	serverPath, err := kubeAPIServer.command(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		own, err := os.MkdirTemp(dir, "cluster-")
		if err != nil {
			return nil, err
		}
		c := &Cluster{dir: own, token: rand.Text()}
		if err = c.start(ctx, etcdPath, serverPath); err == nil {
			return c, nil
		}
		if stopped := c.Stop(); stopped != nil || attempt == 3 || !errors.Is(err, errPortTaken) {
			return nil, errors.Join(err, stopped)
		}
	}
}

func (c *Cluster) start(ctx context.Context, etcdPath, serverPath string) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	etcdURL := "http://" + ports[0]
	c.host = "https://" + ports[2]
	if err := c.writeSecrets(); err != nil {
		return err
	}
	if c.etcd, err = launchEtcd(etcdPath, c.dir, etcdURL, "http://"+ports[1]); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(ports[2])
	if err != nil {
		return err
	}
	c.server, err = launch("kube-apiserver", c.path("kube-apiserver.log"), serverPath,
		"--etcd-servers", etcdURL, "--bind-address", "127.0.0.1", "--secure-port", port, "--cert-dir", c.path("certificates"),
		"--service-account-issuer", Issuer, "--service-account-key-file", c.path("sa.pub"), "--service-account-signing-key-file", c.path("sa.key"),
		"--token-auth-file", c.path("tokens.csv"), "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.96.0.0/16",
		"--disable-admission-plugins", "ServiceAccount")
	if err != nil {
		return err
	}
	if err := c.waitReady(ctx); err != nil {
		return err
	}
	c.client, err = core.NewForConfig(c.Config())
	return err
}

var errPortTaken = errors.New("a port was taken by another process")

// waitReady returns when the API server says it is ready, or with the reason it will not be.
func (c *Cluster) waitReady(ctx context.Context) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	var last error
	for {
		if last = c.ready(ctx); last == nil {
			return nil
		}
		select {
		case <-c.etcd.ended:
			return c.ended(c.etcd)
		case <-c.server.ended:
			return c.ended(c.server)
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver is not ready (%w): %w\n%s\n%s", ctx.Err(), last, c.etcd.tail(), c.server.tail())
		case <-again.C:
		}
	}
}

func (c *Cluster) ended(p *process) error {
	if p.portTaken() {
		return fmt.Errorf("%s ended: %w", p.name, errPortTaken)
	}
	return fmt.Errorf("%s ended before it was ready\n%s", p.name, p.tail())
}

func (c *Cluster) ready(ctx context.Context) error {
	client, err := rest.HTTPClientFor(c.Config()) // fails until the server has made its certificate
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.host+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz: %s", resp.Status)
	}
	return nil
}

// Stop ends both processes; doing so twice does nothing more.
func (c *Cluster) Stop() (err error) {
	for _, p := range []**process{&c.server, &c.etcd} {
		if *p != nil {
			err = errors.Join(err, (*p).kill())
			*p = nil
		}
	}
	return err
}

// Client is a client of the core API, as the cluster's administrator.
func (c *Cluster) Client() core.CoreV1Interface { return c.client }

// Config is how any other client reaches the API server as the administrator.
func (c *Cluster) Config() *rest.Config {
	return &rest.Config{Host: c.host, BearerToken: c.token, TLSClientConfig: rest.TLSClientConfig{CAFile: c.certificate()}}
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

// certificate is the file of the server's own certificate and of what signed it.
func (c *Cluster) certificate() string { return c.path("certificates/apiserver.crt") }

// freePorts is n addresses of loopback nobody listened on a moment ago.
func freePorts(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at once, or the kernel might give one twice
		addresses[i] = l.Addr().String()
	}
	return addresses, nil
}
