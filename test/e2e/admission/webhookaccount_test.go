//go:build e2e

package admission_test

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	flowcontrol "k8s.io/api/flowcontrol/v1"
	rbac "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/certificate"
	testkubernetes "github.com/podpass/podpass/test/kubernetes"
	"github.com/podpass/podpass/webhook"
	"github.com/podpass/podpass/webhook/guard"
)

const home = "podpass-system"

// With no more rights than the chart gives to the webhook's service account, the certificate is kept and its CA rotated, the lists of accounts are
// kept, and its questions have a priority of their own.
func TestWebhookAccount(t *testing.T) {
	cluster := testkubernetes.Start(t)
	admin, err := kubernetes.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, ns := range []string{home, "apps"} {
		if _, err := admin.CoreV1().Namespaces().Create(ctx, &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: ns}}, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	objects := manifests(t, nil)
	schema := install(t, admin, objects)
	config := rest.CopyConfig(cluster.Config())
	config.QPS = -1
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + home + ":podpass-webhook", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + home, "system:authenticated"}}
	var seen flows
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return &flowReader{rt, &seen} })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	names, err := metadata.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	run(t, func(log *slog.Logger) (interface{ Run(context.Context) error }, error) {
		return certificate.New(certificate.Config{
			Secrets: client.CoreV1().Secrets(home), Name: "podpass-webhook-certificate", DNSNames: []string{"podpass-webhook." + home + ".svc"},
			Publish: []certificate.Publisher{certificate.WebhookConfiguration(client, "podpass")}, Overlap: time.Second, Log: log,
		})
	})
	run(t, func(log *slog.Logger) (interface{ Run(context.Context) error }, error) {
		rules, err := webhook.NewRules(webhook.Settings{})
		if err != nil {
			return nil, err
		}
		return guard.New(guard.Config{Client: client, Metadata: names, Namespace: home, Identity: "test", Rules: rules, CopyCA: true, Log: log})
	})

	g := &guarded{client: admin}
	bundles := func() (bundles []string) {
		c, err := admin.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, "podpass", meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Webhooks {
			bundles = append(bundles, string(e.ClientConfig.CABundle))
		}
		return bundles
	}
	all := func(good func(bundle string) bool) func() bool {
		return func() bool {
			for _, b := range bundles() {
				if !good(b) {
					return false
				}
			}
			return true
		}
	}
	g.until(t, "each entry has the CA", all(func(b string) bool { return b != "" }))
	first := bundles()[0]
	rotate := []byte(`{"metadata":{"annotations":{"podpass.io/rotate":"ca"}}}`)
	if _, err := admin.CoreV1().Secrets(home).Patch(ctx, "podpass-webhook-certificate", types.MergePatchType, rotate, meta.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	g.until(t, "both CAs are published", all(func(b string) bool { return len(b) > len(first)*3/2 }))
	g.until(t, "the new CA alone is", all(func(b string) bool { return b != first && len(b) < len(first)*3/2 }))

	if _, err := admin.CoreV1().ConfigMaps(home).Create(ctx, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: guard.CAName}, Data: map[string]string{"ca.crt": "x"}}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	account := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: "web", Annotations: map[string]string{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/web"}}}
	if _, err := admin.CoreV1().ServiceAccounts("apps").Create(ctx, account, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	list := func(name string) map[string]string {
		m, err := admin.CoreV1().ConfigMaps("apps").Get(ctx, name, meta.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		return m.Data
	}
	g.until(t, "the account is listed", func() bool { return list(guard.ListName)["web"] == "irsa" })
	g.until(t, "the CA is copied", func() bool { return list(guard.CAName)["ca.crt"] == "x" })
	second := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: "web2", Annotations: account.Annotations}}
	if _, err := admin.CoreV1().ServiceAccounts("apps").Create(ctx, second, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	g.until(t, "the second is, too", func() bool { return len(list(guard.ListName)) == 2 })
	if err := admin.CoreV1().ServiceAccounts("apps").DeleteCollection(ctx, meta.DeleteOptions{}, meta.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	g.until(t, "the list is gone", func() bool { return list(guard.ListName) == nil })

	if _, err := client.CoreV1().ServiceAccounts("apps").Get(ctx, "web", meta.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	g.until(t, "the schema is in force", func() bool {
		if _, err := client.CoreV1().ServiceAccounts("apps").Get(ctx, "web", meta.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		return seen.last() == string(schema)
	})
	_, secretErr := client.CoreV1().Secrets(home).Get(ctx, "podpass-administrator", meta.GetOptions{})
	_, mapErr := client.CoreV1().ConfigMaps("apps").Get(ctx, "kube-root-ca.crt", meta.GetOptions{})
	_, podsErr := client.CoreV1().Pods("").List(ctx, meta.ListOptions{})
	_, mapsErr := client.CoreV1().ConfigMaps("").List(ctx, meta.ListOptions{})
	for what, err := range map[string]error{"another Secret": secretErr, "another ConfigMap": mapErr, "pods": podsErr, "all ConfigMaps": mapsErr} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("it may read %s: %v", what, err)
		}
	}
}

// install makes the webhook's objects of the chart, and returns the flow schema's uid.
func install(t *testing.T, admin *kubernetes.Clientset, objects map[string][]byte) types.UID {
	t.Helper()
	ctx := t.Context()
	_, e1 := admin.RbacV1().ClusterRoles().Create(ctx, manifest[rbac.ClusterRole](t, objects, "ClusterRole podpass-webhook"), meta.CreateOptions{})
	_, e2 := admin.RbacV1().ClusterRoleBindings().Create(ctx, manifest[rbac.ClusterRoleBinding](t, objects, "ClusterRoleBinding podpass-webhook"), meta.CreateOptions{})
	_, e3 := admin.RbacV1().Roles(home).Create(ctx, manifest[rbac.Role](t, objects, "Role podpass-webhook"), meta.CreateOptions{})
	_, e4 := admin.RbacV1().RoleBindings(home).Create(ctx, manifest[rbac.RoleBinding](t, objects, "RoleBinding podpass-webhook"), meta.CreateOptions{})
	_, e5 := admin.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx,
		manifest[admission.MutatingWebhookConfiguration](t, objects, "MutatingWebhookConfiguration podpass"), meta.CreateOptions{})
	_, e6 := admin.FlowcontrolV1().PriorityLevelConfigurations().Create(ctx,
		manifest[flowcontrol.PriorityLevelConfiguration](t, objects, "PriorityLevelConfiguration podpass-webhook"), meta.CreateOptions{})
	schema, e7 := admin.FlowcontrolV1().FlowSchemas().Create(ctx, manifest[flowcontrol.FlowSchema](t, objects, "FlowSchema podpass-webhook"), meta.CreateOptions{})
	for _, err := range []error{e1, e2, e3, e4, e5, e6, e7} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return schema.UID
}

// run runs it until the test ends.
func run(t *testing.T, begin func(*slog.Logger) (interface{ Run(context.Context) error }, error)) {
	t.Helper()
	r, err := begin(slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// flows remembers by which flow schema the last service account was read.
type flows struct {
	mu  sync.Mutex
	uid string
}

func (f *flows) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.uid
}

type flowReader struct {
	http.RoundTripper
	seen *flows
}

func (f *flowReader) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := f.RoundTripper.RoundTrip(r)
	if err == nil && r.URL.Path == "/api/v1/namespaces/apps/serviceaccounts/web" {
		f.seen.mu.Lock()
		f.seen.uid = response.Header.Get("X-Kubernetes-Pf-Flowschema-Uid")
		f.seen.mu.Unlock()
	}
	return response, err
}
