package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
)

const webhookRole = "arn:aws:iam::111122223333:role/"

// The race: an association that was acknowledged, and a pod created at once. The real server, with the webhook as a member of its write barrier under
// the role of its own service account.
func TestWebhookSeesAcknowledgedAssociations(t *testing.T) {
	kube := newKubeAPI(t)
	authority, env, line := authorityFor(t)
	w := startWebhook(t, kube, env, "--server", line.URL, "--cluster-name", podpasstest.Cluster)
	w.waitReady(t)
	client, err := api.New(api.Config{Endpoint: authority.URL, Region: podpasstest.Region, Credentials: podpasstest.As(authority.Admin)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		name := fmt.Sprintf("web-%d", i)
		kube.annotate("shop/"+name, nil)
		a := authority.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: name, Role: "reader"})
		if got := w.review(t, "/mutate", "shop", name); !got.has("AWS_CONTAINER_CREDENTIALS_FULL_URI") || len(got.Warnings) > 0 {
			t.Fatalf("pod %d went without: %s %q", i, got.Patch, got.Warnings)
		}
		if effect, err := client.GetAssociationInEffect(t.Context(), podpasstest.Cluster, a.ID); err != nil || effect.Webhooks != 1 || !effect.InEffect {
			t.Fatalf("it was not waited for: %+v, %v", effect, err)
		}
		if i%4 == 0 {
			authority.DeleteAssociation(t, a)
			if got := w.review(t, "/mutate/required", "shop", name); got.has("AWS_CONTAINER_CREDENTIALS_FULL_URI") || !got.Allowed {
				t.Fatalf("pod %d got what is deleted: %s", i, got.Patch)
			}
		}
	}
}

// Account and pod created back to back, and annotations changed under the pods' feet.
func TestWebhookSeesAnnotations(t *testing.T) {
	kube := newKubeAPI(t)
	w := startWebhook(t, kube, nil)
	w.waitReady(t)
	for i := range 200 {
		account, role := fmt.Sprintf("web-%d", i%20), fmt.Sprintf("%srole-%d", webhookRole, i)
		kube.annotate("shop/"+account, map[string]string{"eks.amazonaws.com/role-arn": role})
		if got := w.review(t, "/mutate", "shop", account); !got.has(role+`"`) || !got.has("AWS_STS_REGIONAL_ENDPOINTS") || len(got.Warnings) > 0 {
			t.Fatalf("pod %d: %s %q", i, got.Patch, got.Warnings)
		}
	}
	if got := w.review(t, "/mutate", "shop", "nobody"); len(got.Patch) > 0 || !got.Allowed {
		t.Errorf("a pod of no account: %+v", got)
	}
}

// Cut off from the server: within two seconds /mutate goes by what was known and warns, /mutate/required refuses. It stays ready, and recovers by itself.
func TestWebhookCutOffFromTheServer(t *testing.T) {
	kube := newKubeAPI(t)
	authority, env, line := authorityFor(t)
	w := startWebhook(t, kube, env, "--server", line.URL, "--cluster-name", podpasstest.Cluster)
	w.waitReady(t)
	kube.annotate("shop/web", nil)
	kube.annotate("shop/other", nil)
	authority.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	line.sever()
	eventually(t, "the webhook knows that it is cut off", func() bool {
		return len(w.review(t, "/mutate", "shop", "other").Warnings) > 0
	})
	for _, tt := range []struct {
		path, account     string
		allowed, injected bool
	}{
		{"/mutate", "web", true, true},
		{"/mutate", "other", true, false},
		{"/mutate/required", "web", false, false},
		{"/mutate/required", "other", false, false},
	} {
		began := time.Now()
		got := w.review(t, tt.path, "shop", tt.account)
		if took := time.Since(began); took > 2500*time.Millisecond {
			t.Errorf("%s of %s took %v", tt.path, tt.account, took)
		}
		if got.Allowed != tt.allowed || got.has("AWS_CONTAINER_CREDENTIALS_FULL_URI") != tt.injected {
			t.Errorf("%s of %s: allowed %v, %s", tt.path, tt.account, got.Allowed, got.Patch)
		}
		if said := strings.Join(append(got.Warnings, got.Status.Message), " "); !strings.Contains(said, "AssociationStale") {
			t.Errorf("%s of %s says %q", tt.path, tt.account, said)
		}
	}
	if code, text := w.ready(); code != http.StatusOK {
		t.Errorf("/readyz says %d %s: a webhook that is taken out is silent", code, text)
	}
	line.cut.Store(false)
	eventually(t, "the webhook is back", func() bool { return w.review(t, "/mutate/required", "shop", "web").Allowed })
}

// Cut off from the API server, likewise.
func TestWebhookCutOffFromTheAPIServer(t *testing.T) {
	kube := newKubeAPI(t)
	w := startWebhook(t, kube, nil)
	w.waitReady(t)
	kube.annotate("shop/web", map[string]string{"eks.amazonaws.com/role-arn": webhookRole + "web"})
	kube.down.Store(true)
	began := time.Now()
	if got := w.review(t, "/mutate", "shop", "web"); !got.Allowed || !strings.Contains(strings.Join(got.Warnings, " "), "LookupFailed") {
		t.Errorf("/mutate: %+v", got)
	}
	if got := w.review(t, "/mutate/required", "shop", "web"); got.Allowed || !strings.Contains(got.Status.Message, "LookupFailed") {
		t.Errorf("/mutate/required: %+v", got)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("two reviews took %v", took)
	}
	kube.down.Store(false)
	if got := w.review(t, "/mutate/required", "shop", "web"); !got.has(webhookRole + "web") {
		t.Errorf("after it: %+v", got)
	}
}

// A webhook that has never reached its server must not get reviews, and says what it waits for.
func TestWebhookIsNotReadyBeforeItsSources(t *testing.T) {
	kube := newKubeAPI(t)
	_, env, line := authorityFor(t)
	line.sever()
	w := startWebhook(t, kube, env, "--server", line.URL, "--cluster-name", podpasstest.Cluster)
	eventually(t, "it says what it waits for", func() bool {
		code, text := w.ready()
		return code == http.StatusServiceUnavailable && strings.Contains(text, "associations are not known yet") && !strings.Contains(text, "certificate")
	})
	line.cut.Store(false)
	w.waitReady(t)
}

func TestWebhookConfigMapAndFile(t *testing.T) {
	kube := newKubeAPI(t)
	file := filepath.Join(t.TempDir(), "identities.json")
	if err := os.WriteFile(file, []byte(`{"identities":[{"namespace":"shop","serviceAccount":"listed"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	kube.setConfig(`{"*/mapped":{"RoleARN":"` + webhookRole + `mapped"}}`)
	for _, account := range []string{"mapped", "listed", "both"} {
		kube.annotate("shop/"+account, nil)
	}
	kube.annotate("shop/both", map[string]string{"eks.amazonaws.com/role-arn": webhookRole + "annotated"})
	w := startWebhook(t, kube, nil, "--watch-config-map", "--watch-container-credentials-config", file, "--enable-debugging-handlers")
	w.waitReady(t)
	if got := w.review(t, "/mutate", "shop", "mapped"); !got.has(webhookRole + "mapped") {
		t.Errorf("of the ConfigMap: %+v", got)
	}
	if got := w.review(t, "/mutate", "shop", "listed"); !got.has("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
		t.Errorf("of the file: %+v", got)
	}
	kube.setConfig(`{"*/mapped":{"RoleARN":"` + webhookRole + `later"},"shop/both":{"RoleARN":"` + webhookRole + `other"}}`)
	eventually(t, "the ConfigMap's change is seen", func() bool { r := w.review(t, "/mutate", "shop", "mapped"); return r.has(webhookRole + "later") })
	if got := w.review(t, "/mutate", "shop", "both"); !got.has(webhookRole + "annotated") {
		t.Errorf("the annotation goes before the ConfigMap: %+v", got)
	}
}

// What the EKS webhook serves on its metrics port, under its names.
func TestWebhookMetricsAndDebugging(t *testing.T) {
	kube := newKubeAPI(t)
	authority, env, line := authorityFor(t)
	authority.AddAssociation(t, podpasstest.Association{Namespace: "team-*", ServiceAccount: "web", Role: "reader"})
	kube.annotate("shop/web", map[string]string{"eks.amazonaws.com/role-arn": webhookRole + "web"})
	kube.setConfig(`{"shop/mapped":{"RoleARN":"` + webhookRole + `mapped"}}`)
	port := freePort(t)
	w := startWebhook(t, kube, env, "--server", line.URL, "--cluster-name", podpasstest.Cluster, "--watch-config-map",
		"--metrics-address", "127.0.0.1", "--metrics-port", port, "--enable-debugging-handlers")
	w.waitReady(t)
	w.review(t, "/mutate", "shop", "web")
	for _, tt := range []struct {
		path, body string
		status     int
		want       []string
	}{
		{"/metrics", "", 200, []string{
			`pod_identity_webhook_pod_count{method="sts_web_identity"} 1`, "podpass_webhook_associations_current 1", "podpass_webhook_associations 1",
			`podpass_webhook_config_entries{source="ConfigMap pod-identity-webhook"} 1`, "go_goroutines",
		}},
		{"/debug/alpha/cache", "", 200, []string{`"team-*/web"`, webhookRole + "mapped"}},
		{"/debug/alpha/clear", "", 200, []string{"nothing to clear"}},
		{"/debug/alpha/deny", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"42"}}`, 200, []string{
			`"apiVersion":"admission.k8s.io/v1beta1"`, `"uid":"42"`, `"allowed":false`,
		}},
		{"/debug/alpha/deny", "{", 400, nil},
		{"/debug/alpha/500", "", 500, nil},
		{"/mutate", "", 404, nil},
	} {
		res, err := http.Post("http://127.0.0.1:"+port+tt.path, "application/json", strings.NewReader(tt.body))
		if tt.path == "/metrics" {
			res, err = http.Get("http://127.0.0.1:" + port + tt.path)
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != tt.status {
			t.Errorf("%s: %s, %v", tt.path, res.Status, err)
		}
		for _, want := range tt.want {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s has no %s:\n%s", tt.path, want, text)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// On SIGTERM (here: its context's end) it leaves the Service first, and answers until the delay is over.
func TestWebhookShutdown(t *testing.T) {
	kube := newKubeAPI(t)
	kube.annotate("shop/web", map[string]string{"eks.amazonaws.com/role-arn": webhookRole + "web"})
	w := startWebhook(t, kube, nil, "--shutdown-delay", "700ms")
	w.waitReady(t)
	w.stop()
	began := time.Now()
	eventually(t, "it is not ready any more", func() bool { code, _ := w.ready(); return code == http.StatusServiceUnavailable })
	answered := 0
	for time.Since(began) < 500*time.Millisecond {
		if got := w.review(t, "/mutate", "shop", "web"); !got.has(webhookRole + "web") {
			t.Fatalf("a review after the signal: %+v", got)
		}
		answered++
	}
	if code := <-w.code; code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took < 700*time.Millisecond || took > 10*time.Second {
		t.Errorf("it ended after %v", took)
	}
	if answered == 0 {
		t.Error("nothing was answered after the signal")
	}
}

// A certificate in files that is replaced is served without a restart.
func TestWebhookCertificateFiles(t *testing.T) {
	kube := newKubeAPI(t)
	w := startWebhook(t, kube, nil)
	w.waitReady(t)
	next := writePair(t, filepath.Join(w.dir, "tls.crt"), filepath.Join(w.dir, "tls.key"))
	w.client.CloseIdleConnections()
	w.trust(t, next)
	eventually(t, "the new certificate is served", func() bool { code, _ := w.ready(); return code == http.StatusOK })
	if err := os.WriteFile(filepath.Join(w.dir, "tls.crt"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mistake is noticed", func() bool { return strings.Contains(w.logs.String(), "the last good one is served") })
	w.client.CloseIdleConnections()
	if code, text := w.ready(); code != http.StatusOK {
		t.Errorf("%d %s", code, text)
	}
}

// The flags of the EKS webhook, all of them, with what its manifests give them.
func TestWebhookTakesEKSFlags(t *testing.T) {
	kube := newKubeAPI(t)
	kube.annotate("shop/web", map[string]string{"example.com/role-arn": webhookRole + "web"})
	w := startWebhook(t, kube, nil, "--namespace=default", "--service-name=pod-identity-webhook", "--tls-secret=pod-identity-webhook", "--annotation-prefix=example.com",
		"--token-audience=audience.example.com", "--token-mount-path=/tokens", "--token-expiration=3600", "--aws-default-region=eu-west-1", "--sts-regional-endpoint",
		"--container-credentials-audience=a", "--container-credentials-token-mount-path=/pods", "--container-credentials-token-volume-name=v",
		"--container-credentials-token-path=t", "--container-credentials-full-uri=http://127.0.0.1/v1/credentials", "--service-account-lookup-grace-period=100ms",
		"--resync-period=60s", "--tls-min-version=VersionTLS13", "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "--logtostderr", "-v=2", "--alsologtostderr=false")
	w.waitReady(t)
	got := w.review(t, "/mutate", "shop", "web")
	for _, text := range []string{"audience.example.com", "/tokens", "3600", "eu-west-1", "regional", webhookRole + "web"} {
		if !got.has(text) {
			t.Errorf("the patch has no %s: %s", text, got.Patch)
		}
	}
	if res, err := w.client.Get(w.url + "/healthz"); err != nil || res.StatusCode != http.StatusOK || res.ProtoMajor != 2 || res.TLS.Version != 0x0304 {
		t.Errorf("/healthz: %+v, %v", res, err)
	}
}

func TestMemberID(t *testing.T) {
	seen := map[string]bool{}
	for _, host := range []string{"", "podpass-webhook-7c9d8b-x2x4z", "podpass-webhook-7c9d8b-x2x4z", strings.Repeat("a", 300), "not a name/../", "-"} {
		id := memberID(host)
		valid := len(id) >= 1 && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-", r) })
		if !valid || seen[id] {
			t.Errorf("%q of %q: valid %v, seen %v", id, host, valid, seen[id])
		}
		seen[id] = true
	}
}

// A server whose certificate nobody vouches for is none.
func TestWebhookServerCA(t *testing.T) {
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.crt")
	pem := writePair(t, ca, filepath.Join(dir, "ca.key"))
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		t.Fatal("no certificate")
	}
	logs := &syncBuffer{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--server-ca", filepath.Join(dir, "none")}, "--server-ca: "},
		{[]string{"--server-ca", filepath.Join(dir, "ca.key")}, "holds no certificate"},
	} {
		args := slices.Concat([]string{"podpass", "webhook", "--kube-api", "http://127.0.0.1:1", "--server", "https://127.0.0.1:1", "--cluster-name", "local"}, tt.args)
		if code := Run(ctx, args, []string{"AWS_REGION=us-west-2", "HOME=" + dir}, Stdio{In: strings.NewReader(""), Out: logs, Err: logs}); code != exitUsage || !strings.Contains(logs.String(), tt.want) {
			t.Errorf("%q: code %d, %s", tt.args, code, logs)
		}
	}
}
