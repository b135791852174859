package clustertest

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/podpass/podpass/cluster"
)

// Context is the name of the kubeconfig's context.
const Context = "test"

// Cluster is a fake API server. It ends with its test.
type Cluster struct {
	api    *httptest.Server
	server *httptest.Server // the pod's, with the installation's certificate
	ca     []byte

	mu         sync.Mutex
	key        cluster.Key
	refusals   map[string]int
	sockets    bool
	pods       int
	forwarding []httpstream.Connection
	forwards   []string
}

// Start starts one whose podpass answers as a handler does.
func Start(t testing.TB, key cluster.Key, handler http.Handler) *Cluster {
	t.Helper()
	c := &Cluster{key: key, refusals: map[string]int{}, sockets: true, pods: 1}
	c.server = httptest.NewUnstartedServer(handler)
	certificate, ca := issue(t, "podpass-server.podpass-system.svc")
	c.server.TLS, c.ca = certificate, ca
	c.server.StartTLS()
	c.api = httptest.NewTLSServer(http.HandlerFunc(c.serve)) // client-go sends credentials over TLS only
	t.Cleanup(func() {
		c.Break()
		c.api.Close()
		c.server.Close()
	})
	return c
}

// Config is how the API server is reached.
func (c *Cluster) Config() *rest.Config {
	return &rest.Config{Host: c.api.URL, BearerToken: "bearer", TLSClientConfig: rest.TLSClientConfig{CAData: c.authority()}}
}

// Kubeconfig writes a kubeconfig for it.
func (c *Cluster) Kubeconfig(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "kubeconfig")
	named := func(name, kind string, value any) []any { return []any{map[string]any{"name": name, kind: value}} }
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": Context,
		"clusters": named("c", "cluster", map[string]any{"server": c.api.URL, "certificate-authority-data": c.authority()}),
		"users":    named("u", "user", map[string]string{"token": "bearer"}),
		"contexts": named(Context, "context", map[string]string{"cluster": "c", "user": "u"}),
	})
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (c *Cluster) authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.api.Certificate().Raw})
}

// SetKey replaces the administrator's key, as the server does when it was rotated.
func (c *Cluster) SetKey(key cluster.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key = key
}

// Refuse has requests whose path ends so answered with a status instead.
func (c *Cluster) Refuse(ending string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusals[ending] = status
}

// Distrust publishes a CA that did not sign the server's certificate.
func (c *Cluster) Distrust(t testing.TB) {
	t.Helper()
	_, other := issue(t, "podpass-server.podpass-system.svc")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ca = other
}

// NoWebSockets makes it an API server before 1.31.
func (c *Cluster) NoWebSockets() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = false
}

// Replace ends the pod, with every connection to it, and starts another one.
func (c *Cluster) Replace() {
	c.mu.Lock()
	c.pods++
	c.mu.Unlock()
	c.Break()
}

// Break ends every port-forward.
func (c *Cluster) Break() {
	c.mu.Lock()
	open := c.forwarding
	c.forwarding = nil
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
}

// Forwards are the pods that port-forwards were made to, and by what: "podpass-server-1 websocket".
func (c *Cluster) Forwards() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.forwards...)
}

func (c *Cluster) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	key, ca, pod := c.key, c.ca, fmt.Sprintf("podpass-server-%d", c.pods)
	refusal := 0
	for ending, status := range c.refusals {
		if strings.HasSuffix(r.URL.Path, ending) {
			refusal = status
		}
	}
	c.mu.Unlock()
	const namespace = "/api/v1/namespaces/" + cluster.Namespace
	switch {
	case r.Header.Get("Authorization") != "Bearer bearer":
		refuse(w, http.StatusUnauthorized)
	case refusal != 0:
		refuse(w, refusal)
	case r.URL.Path == namespace+"/secrets/"+cluster.Administrator:
		answer(w, map[string]any{"kind": "Secret", "apiVersion": "v1", "data": map[string][]byte{
			"AWS_ACCESS_KEY_ID": []byte(key.AccessKeyID), "AWS_SECRET_ACCESS_KEY": []byte(key.SecretAccessKey), "AWS_REGION": []byte(key.Region),
			"PODPASS_CLUSTER": []byte(key.Cluster),
		}})
	case r.URL.Path == namespace+"/configmaps/"+cluster.CA:
		answer(w, map[string]any{"kind": "ConfigMap", "apiVersion": "v1", "data": map[string]string{"ca.crt": string(ca)}})
	case r.URL.Path == "/apis/discovery.k8s.io/v1/namespaces/"+cluster.Namespace+"/endpointslices":
		answer(w, map[string]any{"kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1", "items": []any{map[string]any{
			"addressType": "IPv4", "ports": []any{map[string]any{"name": "https", "port": 8600}},
			"endpoints": []any{
				map[string]any{"addresses": []string{"10.0.0.1"}, "conditions": map[string]bool{"ready": false}, "targetRef": map[string]string{"kind": "Pod", "name": "unready"}},
				map[string]any{"addresses": []string{"10.0.0.2"}, "conditions": map[string]bool{"ready": true}, "targetRef": map[string]string{"kind": "Pod", "name": pod}},
			},
		}}})
	case r.URL.Path == namespace+"/pods/"+pod+"/portforward":
		c.forward(w, r, pod)
	default:
		refuse(w, http.StatusNotFound)
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int) {
	reason := map[int]string{http.StatusNotFound: "NotFound", http.StatusForbidden: "Forbidden", http.StatusUnauthorized: "Unauthorized"}[status]
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": strings.ToLower(reason) + ", says the fake", "reason": reason, "code": status,
	})
}
