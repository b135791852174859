//go:build e2e

package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/test/kubernetes"
)

const (
	region      = "us-west-2"
	account     = "111122223333"
	clusterName = "my-cluster"
	system      = "podpass-system" // the namespace podpass is installed in
	image       = "public.ecr.aws/nginx/nginx:1.27"
)

// world is the node, podpass on it, and what the tests need to reach both.
type world struct {
	node     *kubernetes.Node
	client   client.Interface
	config   *rest.Config
	bin, dir string // what was built; a directory of this run
	began    time.Time
	rotation *rotation
	cancel   context.CancelFunc
}

// begin installs podpass on a node and starts what has to run for long.
func begin(ctx context.Context, node *kubernetes.Node) (*world, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &world{node: node, began: time.Now(), cancel: cancel}
	if err := w.begin(ctx); err != nil {
		return nil, errors.Join(err, w.end())
	}
	return w, nil
}

func (w *world) begin(ctx context.Context) (err error) {
	if w.bin, err = binDir(); err != nil {
		return err
	}
	if w.dir, err = os.MkdirTemp("", "podpass-e2e-"); err != nil {
		return err
	}
	w.config = w.node.Config()
	w.config.QPS, w.config.Burst = 1000, 1000 // the tests bound themselves
	w.config.WarningHandler = rest.NoWarnings{}
	if w.client, err = client.NewForConfig(w.config); err != nil {
		return err
	}
	w.progress("loading the images")
	if err := w.loadImages(ctx); err != nil {
		return err
	}
	w.progress("podpass install --apply")
	if err := w.makeVolume(ctx); err != nil {
		return err
	}
	if _, err := w.install(ctx); err != nil {
		return err
	}
	w.progress("starting the pod whose token is to be rotated")
	w.rotation, err = w.startRotation(ctx)
	return err
}

func (w *world) end() error {
	w.cancel()
	if w.rotation != nil {
		<-w.rotation.ended
	}
	return os.RemoveAll(w.dir)
}

// progress says on stderr what is going on, for whoever waits.
func (w *world) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}

// loadImages gives the node podpass's image, made by podpass itself, and the workload under the name that Amazon's pages use.
func (w *world) loadImages(ctx context.Context) error {
	tar := filepath.Join(w.dir, "podpass.tar")
	if _, err := w.run(ctx, "", "podpass", "image", "save", tar, "--tag", reference); err != nil {
		return err
	}
	if err := w.node.Load(ctx, tar); err != nil {
		return err
	}
	tar = filepath.Join(w.dir, "workload.tar")
	if err := kubernetes.Image(ctx, tar, image, map[string]string{"/workload": filepath.Join(w.bin, "workload")}, "/workload"); err != nil {
		return err
	}
	return w.node.Load(ctx, tar)
}

// command runs a program, or a script of a shell, as the cluster's administrator: with the node's kubectl and podpass as its plugin.
func (w *world) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	path := w.bin + ":" + filepath.Dir(w.node.KubectlPath())
	cmd := exec.CommandContext(ctx, name, args...)
	if found, err := exec.LookPath(filepath.Join(w.bin, name)); err == nil {
		cmd.Path, cmd.Err = found, nil
	} else if name == "kubectl" {
		cmd.Path, cmd.Err = w.node.KubectlPath(), nil
	}
	cmd.Dir = w.dir
	cmd.Env = []string{"PATH=" + path + ":" + os.Getenv("PATH"), "HOME=" + w.dir, "TMPDIR=" + w.dir, "KUBECONFIG=" + w.node.KubeconfigPath()}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run is what a command says on stdout; an error holds what it says on stderr.
func (w *world) run(ctx context.Context, stdin, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := w.command(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// must is run for what has to succeed.
func (w *world) must(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	out, err := w.run(t.Context(), stdin, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return w.must(t, "", "kubectl", args...)
}

// apply is kubectl apply of the documents.
func (w *world) apply(t *testing.T, documents string) string {
	t.Helper()
	return w.must(t, documents, "kubectl", "apply", "-f", "-")
}

// shell runs a line as a page shows it, pipes and all.
func (w *world) shell(t *testing.T, line string) string {
	t.Helper()
	t.Logf("$ %s", line)
	out := w.must(t, "", "bash", "-o", "pipefail", "-c", line)
	t.Logf("%s", out)
	return out
}

// grant is podpass apply, as the kubectl plugin: roles and associations.
func (w *world) grant(t *testing.T, documents string) {
	t.Helper()
	w.must(t, documents, "kubectl", "podpass", "apply", "-f", "-")
}

// until polls a condition, which says what is still missing or returns nil.
func until(t *testing.T, what string, condition func() error) {
	t.Helper()
	if err := await(t.Context(), condition); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func await(ctx context.Context, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; at last: %w", ctx.Err(), err)
		case <-again.C:
		}
	}
}

// removeLater deletes an object when the test ends.
func (w *world) removeLater(t *testing.T, args ...string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := w.run(context.Background(), "", "kubectl", append([]string{"delete", "--ignore-not-found", "--wait=false"}, args...)...); err != nil {
			t.Error(err)
		}
	})
}

var deleteNow = meta.DeleteOptions{GracePeriodSeconds: new(int64)}
