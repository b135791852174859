//go:build e2e

package cluster_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// managed is the webhook that EKS runs beside the API server: named, reached and configured as there, and played by podpass's own under the flags
// of the EKS webhook. It injects what EKS injects, no more.
func (w *world) managed(t *testing.T) {
	t.Helper()
	const address = "127.0.0.1:23443"
	cert, key := w.selfSigned(t)
	var output bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cmd := w.command(ctx, "podpass", "webhook", "--in-cluster=false", "--kubeconfig", w.node.KubeconfigPath(), "--port", "23443", "--metrics-port", "29999",
		"--tls-cert", cert, "--tls-key", key, "--namespace", "kube-system", "--aws-default-region", region, "--sts-regional-endpoint=true",
		"--watch-config-map=false", "--shutdown-delay", "0s")
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was told to end
		if t.Failed() {
			t.Logf("the managed webhook said:\n%s", output.String())
		}
	})
	bundle, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	until(t, "the managed webhook serves", func() error {
		resp, err := client.Get("https://" + address + "/healthz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", resp.Status)
		}
		return nil
	})
	configurations := w.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	_, err = configurations.Create(t.Context(), &admission.MutatingWebhookConfiguration{
		ObjectMeta: meta.ObjectMeta{Name: "pod-identity-webhook"},
		Webhooks: []admission.MutatingWebhook{{
			Name: "iam-for-pods.amazonaws.com", ClientConfig: admission.WebhookClientConfig{URL: new("https://" + address + "/mutate"), CABundle: bundle},
			FailurePolicy: new(admission.Ignore), SideEffects: new(admission.SideEffectClassNone), ReinvocationPolicy: new(admission.IfNeededReinvocationPolicy),
			AdmissionReviewVersions: []string{"v1beta1"},
			Rules: []admission.RuleWithOperations{{
				Operations: []admission.OperationType{admission.Create}, Rule: admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
		}},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := configurations.Delete(context.Background(), "pod-identity-webhook", meta.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// selfSigned is a certificate for 127.0.0.1, and its key, in files.
func (w *world) selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pod-identity-webhook"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
}

// On EKS the managed webhook comes first: ours adds no second identity to its pods, and what ours alone knows (an association) is ours to inject.
func TestCoexistence(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "coexists", nil)
	ours := w.dryRun(t, namespace, newPod("pod", "irsa"))
	w.managed(t)
	// What the managed one alone makes of such a pod: ours is never asked about pods of its own namespace.
	w.serviceAccount(t, system, "coexists", roleARN(namespace+"-irsa"))
	w.removeLater(t, "-n", system, "serviceaccount/coexists")
	theirs := w.dryRun(t, system, newPod("pod", "coexists"))
	both := w.dryRun(t, namespace, newPod("pod", "irsa"))
	t.Logf("ours: %v", names(ours))
	t.Logf("the managed one's: %v", names(theirs))
	if got, want := names(both), names(theirs); !slices.Equal(got, want) {
		t.Errorf("with both the pod has\n%s\nthe managed one alone makes\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Of the association the managed one's configuration knows nothing: that is ours.
	pod := w.createPod(t, namespace, newPod("associated", "pod-identity"))
	if err := podIdentity(pod); err != nil {
		t.Error(err)
	}
	w.wantCaller(t, namespace, pod.Name, "main", namespace+"-pod-identity")
}

// dryRun is a pod as it would be admitted.
func (w *world) dryRun(t *testing.T, namespace string, pod *core.Pod) *core.Pod {
	t.Helper()
	made, err := w.client.CoreV1().Pods(namespace).Create(t.Context(), pod, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}
