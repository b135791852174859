//go:build e2e

package processes_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/podpass/podpass/test/kubernetes"
)

func TestRealAPIServer(t *testing.T) {
	cluster := shop(t)
	a := up(t, t.TempDir())
	admin := cluster.Kubeconfig(t)
	keys, err := cluster.Client().RESTClient().Get().AbsPath("/openid/v1/jwks").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jwks := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(jwks, keys, 0o600); err != nil {
		t.Fatal(err)
	}

	// whoIs runs an SDK with the identity of a service account of the cluster.
	whoIs := func(account string, flags ...string) (string, error) {
		args := append([]string{"run", "--kubeconfig", admin, "-n", "shop", account}, flags...)
		return a.run(append(args, "--", filepath.Join(binDir, "gov2"), "GetCallerIdentity")...)
	}
	refused := func(what, code, account string, flags ...string) {
		t.Helper()
		if out, err := whoIs(account, flags...); err == nil || !strings.Contains(out, `"error":"`+code+`"`) {
			t.Errorf("%s: %v, not refused with %s\n%s", what, err, code, out)
		}
	}
	works := func(how string) {
		t.Helper()
		if out, err := whoIs("web"); err != nil || !strings.Contains(out, "arn:aws:sts::111122223333:assumed-role/web/web-") {
			t.Errorf("%s: %v\n%s", how, err, out)
		}
	}

	refused("before anything is registered", "InvalidIdentityToken", "web")

	if out := a.must("cluster", "register", "prod", "--kubeconfig", registrar(t, cluster)); !strings.Contains(out, kubernetes.Issuer) {
		t.Errorf("the issuer is not the API server's:\n%s", out)
	}
	a.apply(role)
	works("keys from the API server")
	refused("another service account", "AccessDenied", "other", "--role-arn", roleARN)
	refused("another audience", "InvalidIdentityToken", "web", "--audience", "vault")

	out, err := a.run("cluster", "register", "second", "--issuer", kubernetes.Issuer, "--jwks-file", jwks)
	if err == nil || !strings.Contains(out, "is that of another cluster") {
		t.Errorf("a second cluster with the same issuer: %v\n%s", err, out)
	}

	a.must("cluster", "deregister", "prod")
	refused("when its cluster is registered no more", "InvalidIdentityToken", "web")

	a.must("cluster", "register", "prod", "--issuer", kubernetes.Issuer, "--jwks-file", jwks)
	a.apply(role)
	works("keys from a file")
	a.stop()
}
