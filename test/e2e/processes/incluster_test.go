//go:build e2e

package processes_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	authentication "k8s.io/api/authentication/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacclient "k8s.io/client-go/kubernetes/typed/rbac/v1"

	"github.com/podpass/podpass/test/kubernetes"
	"github.com/podpass/podpass/upstream"
)

const system = "podpass-system"

// home is a cluster to run podpass servers in, with the rights the chart gives them and no more.
type home struct {
	*kubernetes.Cluster
	t          *testing.T
	etcd       string
	kubeconfig string // of the servers' service account
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{Cluster: shop(t), t: t, etcd: kubernetes.StartEtcd(t)}
	makeNamespace(t, h.Cluster, system)
	makeAccount(t, h.Cluster, system, "podpass-server", nil)
	client, err := rbacclient.NewForConfig(h.Config())
	if err != nil {
		t.Fatal(err)
	}
	server := []rbac.Subject{{Kind: rbac.ServiceAccountKind, Namespace: system, Name: "podpass-server"}}
	core := []string{""}
	_, err = client.Roles(system).Create(t.Context(), &rbac.Role{ObjectMeta: meta.ObjectMeta{Name: "podpass-server"}, Rules: []rbac.PolicyRule{
		{APIGroups: core, Resources: []string{"secrets", "configmaps"}, Verbs: []string{"create"}},
		{APIGroups: core, Resources: []string{"secrets"}, ResourceNames: []string{"podpass-administrator", "podpass-server-certificate"}, Verbs: []string{"get", "watch", "update"}},
		{APIGroups: core, Resources: []string{"configmaps"}, ResourceNames: []string{"podpass-ca"}, Verbs: []string{"get", "watch", "patch"}},
	}}, meta.CreateOptions{})
	if err == nil {
		_, err = client.RoleBindings(system).Create(t.Context(), &rbac.RoleBinding{
			ObjectMeta: meta.ObjectMeta{Name: "podpass-server"}, RoleRef: rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: "podpass-server"}, Subjects: server,
		}, meta.CreateOptions{})
	}
	if err == nil {
		_, err = client.ClusterRoleBindings().Create(t.Context(), &rbac.ClusterRoleBinding{
			ObjectMeta: meta.ObjectMeta{Name: "podpass-server"}, Subjects: server,
			RoleRef: rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: "system:service-account-issuer-discovery"},
		}, meta.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	h.kubeconfig = h.KubeconfigFor(t, requestToken(t, h.Cluster, system, "podpass-server", authentication.TokenRequestSpec{}))
	return h
}

// server starts one, as the chart does.
func (h *home) server(more ...string) *authority {
	h.t.Helper()
	dir := h.t.TempDir()
	return start(h.t, dir, nil, append([]string{
		"server", "--data-dir", dir, "--etcd-endpoints", h.etcd, "--kubeconfig", h.kubeconfig, "--register-cluster", "prod",
		"--administrator-secret", system + "/podpass-administrator",
		"--certificate-secret", system + "/podpass-server-certificate", "--certificate-names", "podpass-server.podpass-system.svc,localhost",
		"--ca-configmap", system + "/podpass-ca",
	}, more...)...)
}

// administrator is what the Secret holds.
func (h *home) administrator() map[string]string {
	h.t.Helper()
	secret, err := h.Client().Secrets(system).Get(h.t.Context(), "podpass-administrator", meta.GetOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	env := map[string]string{}
	for name, value := range secret.Data {
		env[name] = string(value)
	}
	return env
}

func (h *home) ca() []byte {
	h.t.Helper()
	published, err := h.Client().ConfigMaps(system).Get(h.t.Context(), "podpass-ca", meta.GetOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	return []byte(published.Data["ca.crt"])
}

// as has commands speak to a server with what the Secret holds.
func (h *home) as(a *authority) *authority {
	h.t.Helper()
	bundle := filepath.Join(h.t.TempDir(), "ca.crt")
	if err := os.WriteFile(bundle, h.ca(), 0o600); err != nil {
		h.t.Fatal(err)
	}
	a.env = slices.DeleteFunc(a.env, func(s string) bool {
		return strings.HasPrefix(s, "PODPASS_DATA_DIR=") || strings.HasPrefix(s, "AWS_ACCESS") || strings.HasPrefix(s, "AWS_SECRET")
	})
	a.env = as(a.env, h.administrator())
	a.env = append(a.env, "AWS_CA_BUNDLE="+bundle, "AWS_ENDPOINT_URL="+strings.Replace(a.url, "127.0.0.1", "localhost", 1))
	return a
}

// keys are the ids of the administrator's.
func (h *home) keys(a *authority) (ids []string) {
	h.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(h.ca())
	env := h.administrator()
	env["AWS_ENDPOINT_URL"] = strings.Replace(a.url, "127.0.0.1", "localhost", 1)
	config := sdk(env)
	config.HTTPClient = upstream.NewHTTPClient(roots)
	out, err := iam.NewFromConfig(config).ListAccessKeys(h.t.Context(), &iam.ListAccessKeysInput{UserName: aws.String("admin")})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, k := range out.AccessKeyMetadata {
		ids = append(ids, *k.AccessKeyId)
	}
	return ids
}

// Two servers start at once in an empty installation: the cluster is registered, the administrator's key is one and in one Secret, both serve a
// certificate of one CA. A pod's token is exchanged at either.
func TestServersInACluster(t *testing.T) {
	h := newHome(t)
	first, second := h.server(), h.server()
	for _, a := range []*authority{first, second} {
		h.as(a.awaitReady())
		if _, err := os.Stat(filepath.Join(a.dir, "env")); !os.IsNotExist(err) {
			t.Errorf("the key is in the data directory, too: %v", err)
		}
	}
	env := h.administrator()
	if got := h.keys(first); !slices.Equal(got, []string{env["AWS_ACCESS_KEY_ID"]}) {
		t.Errorf("the administrator has the keys %q, and the Secret %s", got, env["AWS_ACCESS_KEY_ID"])
	}
	if out := second.must("cluster", "describe", "prod"); !strings.Contains(out, kubernetes.Issuer) || !strings.Contains(out, "incluster") {
		t.Errorf("the cluster:\n%s", out)
	}
	if out := second.must("association", "list"); strings.Contains(out, "arn:") {
		t.Errorf("associations:\n%s", out)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(h.ca())
	for _, a := range []*authority{first, second} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(a.url, "https://"), &tls.Config{RootCAs: roots, ServerName: "podpass-server.podpass-system.svc", MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}

	first.apply(role)
	for name, a := range map[string]*authority{"first": first, "second": second} {
		out, err := a.run("run", "--kubeconfig", h.Kubeconfig(t), "-n", "shop", "web", "--", filepath.Join(binDir, "gov2"), "GetCallerIdentity")
		if err != nil || !strings.Contains(out, "arn:aws:sts::111122223333:assumed-role/web/web-") {
			t.Errorf("at the %s: %v\n%s", name, err, out)
		}
	}

	// The key is rotated by whoever may: the Secret follows, and the servers that start later find it as it is.
	first.must("admin", "rotate")
	deadline := time.Now().Add(patience)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for h.administrator()["AWS_ACCESS_KEY_ID"] == env["AWS_ACCESS_KEY_ID"] {
		if time.Now().After(deadline) {
			t.Fatal("the Secret kept a key that was rotated away")
		}
		<-look.C
	}
	rotated := h.administrator()
	second.kill()
	third := h.as(h.server().awaitReady())
	if got := h.keys(third); !slices.Equal(got, []string{rotated["AWS_ACCESS_KEY_ID"]}) || h.administrator()["AWS_ACCESS_KEY_ID"] != got[0] {
		t.Errorf("after another start the administrator has the keys %q, and before it the Secret had %s", got, rotated["AWS_ACCESS_KEY_ID"])
	}
	third.stop()
	first.stop()
}

// A server is not ready while it may not do what it was told to, says what that is, and is ready as soon as it may.
func TestServerWaitsForItsRights(t *testing.T) {
	h := newHome(t)
	client, err := rbacclient.NewForConfig(h.Config())
	if err != nil {
		t.Fatal(err)
	}
	binding, err := client.RoleBindings(system).Get(t.Context(), "podpass-server", meta.GetOptions{})
	if err == nil {
		err = client.RoleBindings(system).Delete(t.Context(), "podpass-server", meta.DeleteOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := free.Addr().String()
	free.Close()
	a := h.server("--admin", admin)
	answer := func() (int, string) {
		resp, err := http.Get("http://" + admin + "/readyz")
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		text := make([]byte, 4096)
		n, _ := resp.Body.Read(text)
		return resp.StatusCode, string(text[:n])
	}
	deadline, look := time.Now().Add(patience), time.NewTicker(50*time.Millisecond)
	defer look.Stop()
	for status, text := 0, ""; status != http.StatusServiceUnavailable || !strings.Contains(text, "administrator: ") || !strings.Contains(text, "forbidden"); status, text = answer() {
		if <-look.C; time.Now().After(deadline) {
			t.Fatalf("/readyz: %d %s", status, text)
		}
	}
	binding.ResourceVersion = ""
	if _, err := client.RoleBindings(system).Create(t.Context(), binding, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	a.awaitReady()
	if status, text := answer(); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, text)
	}
	a.stop()
}
