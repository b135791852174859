//go:build e2e

package cluster_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// answered is how long anything may take that the API server waits for: its time-out for our webhooks.
const answered = 5 * time.Second

// webhook is a client of the webhook as the API server is one: at its Service's address, with the CA that its configuration holds.
func (w *world) webhook(t *testing.T) *http.Client {
	t.Helper()
	service, err := w.client.CoreV1().Services(system).Get(t.Context(), "podpass-webhook", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	configuration, err := w.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "podpass", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(configuration.Webhooks[0].ClientConfig.CABundle)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(service.Spec.ClusterIP, "443"))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: answered}
}

// What is no review of a pod gets a clear answer in time, and the webhook goes on.
func TestBadInput(t *testing.T) {
	w := shared(t)
	restarts := w.restarts(t)
	client := w.webhook(t)
	const head = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","namespace":"default","operation":"CREATE",` +
		`"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"object":`
	huge := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","args":["` + strings.Repeat("x", 3<<20) + `"]}]}}}}`
	for _, path := range []string{"/mutate", "/mutate/required"} {
		for name, of := range map[string]struct {
			body    string
			allowed bool // whether it is a review at all, and one that is to be allowed
		}{
			"nothing":          {"", false},
			"no JSON":          {"<html>", false},
			"an array":         {"[]", false},
			"another kind":     {`{"apiVersion":"v1","kind":"Pod"}`, false},
			"another version":  {`{"apiVersion":"admission.k8s.io/v2","kind":"AdmissionReview","request":{"uid":"u"}}`, false},
			"no request":       {`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, false},
			"a number as pod":  {head + `7}}`, false},
			"cut off":          {head + `{"metadata":{"name":`, false},
			"deeply nested":    {head + strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20002), false},
			"a pod of 3 MB":    {head + huge, true},
			"a pod of no kind": {head + `{"metadata":{"name":"p"},"spec":{"containers":[]}}}}`, true},
			"a config map":     {strings.NewReplacer(`"Pod"`, `"ConfigMap"`, `"pods"`, `"configmaps"`).Replace(head) + `{"data":{"a":"b"}}}}`, true},
		} {
			t.Run(name+" to "+path, func(t *testing.T) {
				resp, err := client.Post("https://podpass-webhook."+system+".svc"+path, "application/json", strings.NewReader(of.body))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				if of.allowed {
					if resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"allowed":true`)) {
						t.Errorf("%s %s", resp.Status, last(string(body), 500))
					}
					return
				}
				if resp.StatusCode/100 != 4 || len(bytes.TrimSpace(body)) == 0 {
					t.Errorf("%s %q, want a refusal with its reason", resp.Status, last(string(body), 500))
				}
			})
		}
	}
	if got := w.restarts(t); got != restarts {
		t.Errorf("the webhook's containers: %s, before: %s", got, restarts)
	}
}

// restarts says which containers of the webhook there are, and how often each was started anew.
func (w *world) restarts(t *testing.T) string {
	t.Helper()
	return w.kubectl(t, "get", "pods", "-n", system, "-l", "app.kubernetes.io/component=webhook", "--sort-by=.metadata.name", "-o",
		`jsonpath={range .items[*]}{.metadata.name}={.status.containerStatuses[0].restartCount} {end}`)
}

// Pods at the API server's limits get all they need, in time.
func TestBadInputLargePods(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "large", required)
	for name, change := range map[string]func(*core.Pod){
		"500-containers": func(p *core.Pod) {
			for i := 1; i < 500; i++ {
				p.Spec.Containers = append(p.Spec.Containers, core.Container{Name: fmt.Sprintf("c%d", i), Image: image})
			}
		},
		"nearly-3-mb": func(p *core.Pod) { p.Spec.Containers[0].Args = []string{strings.Repeat("x", 2900<<10)} },
	} {
		for _, m := range mechanisms {
			t.Run(name+"/"+m.account, func(t *testing.T) {
				began := time.Now()
				pod := w.dryRun(t, namespace, newPod(name, m.account, change))
				t.Logf("admitted in %v", time.Since(began).Round(time.Millisecond))
				if err := m.lacks(pod, namespace); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A namespace that is being deleted: the refusal is Kubernetes' own, and ours does not stand in its way.
func TestBadInputNamespaceDeleted(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "terminating", required)
	held := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "held", Finalizers: []string{"e2e.podpass.io/held"}}}
	if _, err := w.client.CoreV1().ConfigMaps(namespace).Create(t.Context(), held, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := w.run(context.Background(), "", "kubectl", "patch", "configmap", "held", "-n", namespace, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
		if err != nil {
			t.Error(err)
		}
	})
	w.kubectl(t, "delete", "namespace", namespace, "--wait=false")
	for _, m := range mechanisms {
		began := time.Now()
		_, err := w.client.CoreV1().Pods(namespace).Create(t.Context(), newPod(m.account, m.account, gated), meta.CreateOptions{})
		if err == nil || !strings.Contains(err.Error(), "being terminated") && !strings.Contains(err.Error(), "not found") {
			t.Errorf("a pod of %s: %v", m.account, err)
		}
		if took := time.Since(began); took > 2*answered {
			t.Errorf("answered after %v", took)
		}
	}
}

// With no server there is nobody to ask about associations. Pods that asked for it are refused within bounded time and told why; others are created
// with what is known, and with a warning.
func TestBadInputServerAway(t *testing.T) {
	w := shared(t)
	namespace, labelled := w.both(t, "away", nil), w.both(t, "away-required", required)
	w.guarded(t, namespace, "irsa", "pod-identity")
	w.scale(t, "deployment/podpass-server", 0)
	var warned string
	until(t, "the webhook knows that it no longer knows", func() (err error) {
		warned, err = w.run(t.Context(), manifest(t, typed(namespace, newPod("warned", "irsa"))), "bash", "-c", "kubectl apply --dry-run=server -f - 2>&1")
		if err == nil && !strings.Contains(warned, "AssociationStale") {
			err = fmt.Errorf("no warning: %s", warned)
		}
		return err
	})
	t.Log(warned)
	for _, m := range mechanisms {
		began := time.Now()
		_, err := w.client.CoreV1().Pods(labelled).Create(t.Context(), newPod("p", m.account, gated), meta.CreateOptions{})
		took := time.Since(began)
		t.Logf("%s: %v, after %v", m.account, err, took.Round(time.Millisecond))
		if err == nil || !strings.Contains(err.Error(), "podpass") || !strings.Contains(err.Error(), "AssociationStale") {
			t.Errorf("a pod that asked for it: %v", err)
		}
		if took > answered {
			t.Errorf("answered after %v", took)
		}
		began = time.Now()
		pod := w.createPod(t, namespace, newPod("p-"+m.account, m.account, gated))
		if took := time.Since(began); took > answered {
			t.Errorf("created after %v", took)
		}
		if err := m.lacks(pod, namespace); err != nil { // what was known last
			t.Error(err)
		}
	}
}
