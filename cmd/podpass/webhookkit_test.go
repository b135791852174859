package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/podpass/podpass/podpasstest"
)

// kubeAPI is as much of an API server as the webhook asks: service accounts, the one ConfigMap, and its version.
type kubeAPI struct {
	*httptest.Server
	mu          sync.Mutex
	annotations map[string]map[string]string // of NAMESPACE/NAME
	config      string                       // data key config of the ConfigMap; "" there is none
	revision    int
	changed     chan struct{}
	down        atomic.Bool
}

func newKubeAPI(t *testing.T) *kubeAPI {
	k := &kubeAPI{annotations: map[string]map[string]string{}, changed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"major":"1","minor":"36","gitVersion":"v1.36.0"}`)
	})
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/serviceaccounts/{name}", k.account)
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/configmaps", k.configMaps)
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.down.Load() {
			panic(http.ErrAbortHandler) // the connection ends
		}
		w.Header().Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		k.CloseClientConnections()
		k.Close()
	})
	return k
}

func (k *kubeAPI) account(w http.ResponseWriter, r *http.Request) {
	namespace, name := r.PathValue("namespace"), r.PathValue("name")
	k.mu.Lock()
	annotations, ok := k.annotations[namespace+"/"+name]
	k.mu.Unlock()
	if !ok {
		refuse(w, 404, "NotFound", name)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": map[string]any{"namespace": namespace, "name": name, "annotations": annotations},
	})
}

func refuse(w http.ResponseWriter, code int, reason, name string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "details": map[string]string{"name": name, "kind": "serviceaccounts"},
	})
}

// configMaps lists and watches, without the streamed list that older API servers do not have either.
func (k *kubeAPI) configMaps(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("sendInitialEvents") != "" || query.Get("fieldSelector") != "metadata.name=pod-identity-webhook" {
		refuse(w, 422, "Invalid", "")
		return
	}
	encoder := json.NewEncoder(w)
	if query.Get("watch") == "" {
		object, revision, _ := k.configMap()
		items := []any{}
		if object != nil {
			items = append(items, object)
		}
		_ = encoder.Encode(map[string]any{"kind": "ConfigMapList", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": revision}, "items": items})
		return
	}
	seen := query.Get("resourceVersion")
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for {
		object, revision, changed := k.configMap()
		if revision != seen && object != nil {
			_ = encoder.Encode(map[string]any{"type": "MODIFIED", "object": object})
			w.(http.Flusher).Flush()
			seen = revision
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func (k *kubeAPI) configMap() (object any, revision string, changed <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	revision = fmt.Sprint(k.revision + 1)
	if k.config != "" {
		object = map[string]any{
			"kind": "ConfigMap", "apiVersion": "v1", "data": map[string]string{"config": k.config},
			"metadata": map[string]any{"namespace": "eks", "name": "pod-identity-webhook", "resourceVersion": revision},
		}
	}
	return object, revision, k.changed
}

func (k *kubeAPI) setConfig(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.config = text
	k.revision++
	close(k.changed)
	k.changed = make(chan struct{})
}

// annotate makes the account exist, as kubectl apply does.
func (k *kubeAPI) annotate(account string, annotations map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.annotations[account] = annotations
}

// theWebhook is a running podpass webhook.
type theWebhook struct {
	url    string
	client *http.Client
	stop   context.CancelFunc
	code   chan int
	logs   *syncBuffer
	dir    string
}

type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// freePort is one that nobody listened on a moment ago. The webhook's own port must be known before it says that it is ready.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// startWebhook runs the command with a certificate in files, until the test ends. It does not wait until it is ready.
func startWebhook(t *testing.T, kube *kubeAPI, env []string, args ...string) *theWebhook {
	t.Helper()
	w := &theWebhook{dir: t.TempDir(), code: make(chan int, 1), logs: &syncBuffer{}}
	cert, key := filepath.Join(w.dir, "tls.crt"), filepath.Join(w.dir, "tls.key")
	w.trust(t, writePair(t, cert, key))
	port := freePort(t)
	w.url = "https://127.0.0.1:" + port
	args = append([]string{
		"podpass", "webhook", "--in-cluster=false", "--kube-api", kube.URL, "--tls-cert", cert, "--tls-key", key, "--bind-address", "127.0.0.1", "--port", port,
		"--metrics-port", "0", "--shutdown-delay", "0s",
	}, args...)
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.code <- Run(ctx, args, append([]string{"HOME=" + w.dir}, env...), Stdio{In: strings.NewReader(""), Out: io.Discard, Err: w.logs})
	}()
	t.Cleanup(func() {
		cancel()
		w.client.CloseIdleConnections() // the webhook leaves that to its clients
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			t.Error("the webhook does not end")
		}
		if t.Failed() {
			t.Log(w.logs.String())
		}
	})
	return w
}

// trust makes a client that believes one certificate, and speaks HTTP/2 as the API server does.
func (w *theWebhook) trust(t *testing.T, certificate []byte) {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		t.Fatal("no certificate")
	}
	w.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}, Timeout: 20 * time.Second}
}

func writePair(t *testing.T, cert, key string) []byte {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, text := range map[string][]byte{cert: text, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return text
}

// ready is what /readyz says: 0 if it cannot be asked.
func (w *theWebhook) ready() (int, string) {
	res, err := w.client.Get(w.url + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func (w *theWebhook) waitReady(t *testing.T) {
	t.Helper()
	eventually(t, "the webhook is ready", func() bool { code, _ := w.ready(); return code == http.StatusOK })
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// reviewed is what a review was answered with.
type reviewed struct {
	Allowed  bool
	Warnings []string
	Patch    []byte
	Status   struct{ Message string }
}

func (r reviewed) has(text string) bool { return bytes.Contains(r.Patch, []byte(text)) }

func (w *theWebhook) review(t *testing.T, path, namespace, account string) (out reviewed) {
	t.Helper()
	body := fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","kind":{"group":"","version":"v1","kind":"Pod"},
		"resource":{"group":"","version":"v1","resource":"pods"},"namespace":%q,"operation":"CREATE","object":{"kind":"Pod","apiVersion":"v1",
		"metadata":{"generateName":"web-","namespace":%q},"spec":{"serviceAccountName":%q,"containers":[{"name":"app","image":"app"}]}}}}`, namespace, namespace, account)
	res, err := w.client.Post(w.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var review struct{ Response reviewed }
	if err := json.NewDecoder(res.Body).Decode(&review); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", res.Status, err)
	}
	return review.Response
}

// authorityFor is a real server, the environment by which the webhook gets its own role there, and a switch to cut the webhook off from it.
func authorityFor(t *testing.T) (authority *podpasstest.Server, env []string, line *cutLine) {
	t.Helper()
	authority = podpasstest.Start(t)
	authority.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	authority.AddRole(t, podpasstest.Role{
		Path: "/podpass/", Name: "webhook", Trusts: []string{"podpass-system/podpass-webhook"}, Allows: []string{"podpass:JoinWriteBarrier", "podpass:WatchAssociations"},
	})
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(authority.Token(t, "podpass-system", "podpass-webhook")), 0o600); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(authority.URL)
	if err != nil {
		t.Fatal(err)
	}
	line = &cutLine{}
	proxy := &httputil.ReverseProxy{ErrorLog: debugLog(slog.New(slog.DiscardHandler)), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // it is signed
	}}
	line.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if line.cut.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		line.CloseClientConnections()
		line.Close()
	})
	return authority, []string{
		"AWS_REGION=us-west-2", "AWS_ROLE_ARN=arn:aws:iam::111122223333:role/podpass/webhook", "AWS_WEB_IDENTITY_TOKEN_FILE=" + token,
	}, line
}

// cutLine is between webhook and server.
type cutLine struct {
	*httptest.Server
	cut atomic.Bool
}

func (l *cutLine) sever() {
	l.cut.Store(true)
	l.CloseClientConnections()
}
