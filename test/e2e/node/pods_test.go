//go:build e2e

package node_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/podpass/podpass/test/kubernetes"
	"github.com/podpass/podpass/token"
)

const shop = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      securityContext: {runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000}
      containers:
      - name: web
        image: ` + probeImage + `
        imagePullPolicy: Never
        args: [serve, ":8080"]
        readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
        volumeMounts: [{name: token, mountPath: /var/run/secrets/test, readOnly: true}]
      volumes:
      - name: token
        projected: {sources: [{serviceAccountToken: {audience: sts.amazonaws.com, expirationSeconds: 600, path: token}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`

// What a pod on any Kubernetes has: its token, names, services, logs and exec. They survive the API server.
func TestPods(t *testing.T) {
	n := start(t)
	loadProbe(t, n)
	kubectl(t, n, shop, "apply", "-f", "-")
	kubectl(t, n, "", "-n", "shop", "rollout", "status", "deployment/web", "--timeout=60s")

	t.Run("token", func(t *testing.T) {
		got, err := token.Parse(strings.TrimSpace(inPod(t, n, "cat", "/var/run/secrets/test/token")))
		if err != nil {
			t.Fatal(err)
		}
		want := token.Kubernetes{Namespace: "shop", ServiceAccount: "web", Node: kubernetes.NodeName}
		is := token.Kubernetes{Namespace: got.Claims.Kubernetes.Namespace, ServiceAccount: got.Claims.Kubernetes.ServiceAccount, Node: got.Claims.Kubernetes.Node}
		if is != want || got.Claims.Issuer != kubernetes.Issuer || !slices.Equal(got.Claims.Audience, []string{"sts.amazonaws.com"}) {
			t.Errorf("the token is %+v", got.Claims)
		}
	})
	t.Run("names", func(t *testing.T) {
		if out := inPod(t, n, "resolve", "kubernetes.default.svc"); out != "[10.96.0.1]\n" {
			t.Errorf("kubernetes.default.svc is %s", out)
		}
	})
	t.Run("services", func(t *testing.T) { reachesService(t, n) })
	t.Run("logs", func(t *testing.T) {
		out := kubectl(t, n, "", "-n", "shop", "logs", "-l", "app=web", "--tail=-1")
		if !strings.Contains(out, "serving as web-") {
			t.Errorf("the log of the pods is\n%s", out)
		}
	})
	t.Run("image by its digest", func(t *testing.T) { runsByDigest(t, n) })
	t.Run("static pod", func(t *testing.T) { runsStaticPod(t, n) })
	t.Run("without API server", func(t *testing.T) {
		address := kubectl(t, n, "", "-n", "shop", "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
		if err := n.StopAPIServer(); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Kubectl(t.Context(), "", "get", "pods"); err == nil {
			t.Error("the API server answers")
		}
		resp, err := http.Get("http://" + address) // from the node, where this test is
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if err := n.StartAPIServer(t.Context()); err != nil {
			t.Fatal(err)
		}
		kubectl(t, n, "", "-n", "shop", "rollout", "restart", "deployment/web")
		kubectl(t, n, "", "-n", "shop", "rollout", "status", "deployment/web", "--timeout=60s")
		reachesService(t, n)
	})
}

// inPod runs the probe in a pod of the deployment.
func inPod(t *testing.T, n *kubernetes.Node, args ...string) string {
	t.Helper()
	return kubectl(t, n, "", append([]string{"-n", "shop", "exec", "deployment/web", "--", "/probe"}, args...)...)
}

// reachesService: any pod of it, also the one that asks, by name and by address.
func reachesService(t *testing.T, n *kubernetes.Node) {
	t.Helper()
	address := kubectl(t, n, "", "-n", "shop", "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
	until(t, "kube-proxy, which is a second behind", func() error {
		resp, err := http.Get("http://" + address)
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	for _, host := range []string{"web", "web.shop.svc.cluster.local", address, "web", address} {
		if out := inPod(t, n, "get", "http://"+host); !strings.HasPrefix(out, "200 OK\nthis is web-") {
			t.Errorf("%s answered %s", host, out)
		}
	}
}

// runsByDigest: what was loaded under a name is also found by the digest of its manifest, whatever was loaded before and however often.
func runsByDigest(t *testing.T, n *kubernetes.Node) {
	loadProbe(t, n)
	id := kubectl(t, n, "", "-n", "shop", "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].status.containerStatuses[0].imageID}")
	if !strings.HasPrefix(id, "podpass.test/probe@sha256:") {
		t.Fatalf("the image is %q", id)
	}
	kubectl(t, n, "", "-n", "shop", "run", "pinned", "--image", id, "--", "serve", ":8080")
	kubectl(t, n, "", "-n", "shop", "wait", "pod/pinned", "--for=condition=Ready", "--timeout=60s")
}

func runsStaticPod(t *testing.T, n *kubernetes.Node) {
	const manifest = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "static", "namespace": "kube-system"}, "spec": {"hostNetwork": true,
		"containers": [{"name": "probe", "image": "` + probeImage + `", "imagePullPolicy": "Never", "args": ["serve", ":8081"]}]}}`
	if err := os.WriteFile(filepath.Join(n.StaticPodDir(), "static.json"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, "the mirror pod", func() error {
		out, err := n.Kubectl(t.Context(), "", "-n", "kube-system", "get", "pod", "static-"+kubernetes.NodeName, "-o", "jsonpath={.status.phase}")
		if err == nil && out != "Running" {
			err = fmt.Errorf("its phase is %q", out)
		}
		return err
	})
}

// However little room is left, no pod is evicted and no image is collected.
func TestLittleRoom(t *testing.T) {
	resize := func(to string) {
		t.Helper()
		if err := unix.Mount("", "/run", "", unix.MS_REMOUNT, "size="+to); err != nil {
			t.Fatal(err)
		}
	}
	resize("400m")
	n := start(t)
	defer resize("50%")
	loadProbe(t, n)
	kubectl(t, n, shop, "apply", "-f", "-")
	kubectl(t, n, "", "-n", "shop", "rollout", "status", "deployment/web", "--timeout=60s")
	var room unix.Statfs_t
	if err := unix.Statfs("/run", &room); err != nil {
		t.Fatal(err)
	}
	left := int64(room.Bavail) * room.Bsize
	filler, err := os.Create("/run/tmp/filler")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(filler.Name())
	defer filler.Close()
	if err := unix.Fallocate(int(filler.Fd()), 0, 0, left-8<<20); err != nil {
		t.Fatal(err)
	}
	kubectl(t, n, "", "-n", "shop", "rollout", "restart", "deployment/web")
	kubectl(t, n, "", "-n", "shop", "rollout", "status", "deployment/web", "--timeout=60s")
	// The kubelet looks every ten seconds.
	if _, err := n.Kubectl(t.Context(), "", "wait", "node/"+kubernetes.NodeName, "--for=condition=DiskPressure", "--timeout=15s"); err == nil {
		t.Error("the node says that it is short of disk")
	}
}
