package kubernetes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

const pauseImage = "podpass.test/pause:1"

// containerdConfig: without CAP_SYS_RESOURCE nobody can lower an oom_score_adj, so nobody tries; what would write outside of the node's directory is off.
const containerdConfig = `version = 2
root = "%[1]s/containerd"
state = "%[1]s/containerd-state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "%[1]s/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + pauseImage + `"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "%[1]s/cni"
`

// cniConfig joins every pod to the node by a pair of its own, and routes: nothing depends on how this machine filters what crosses a bridge.
const cniConfig = `{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
  "type": "ptp", "mtu": 1500,
  "ipam": {"type": "host-local", "dataDir": "%[1]s/cni-addresses", "ranges": [[{"subnet": "` + podRange + `"}]], "routes": [{"dst": "0.0.0.0/0"}]}
}]}
`

func (n *Node) startContainerd(ctx context.Context) error {
	for name, text := range map[string]string{"containerd.toml": containerdConfig, "cni/10-pods.conflist": cniConfig} {
		if err := n.write(name, fmt.Sprintf(text, n.dir)); err != nil {
			return err
		}
	}
	if err := n.start("containerd", "containerd", "--config", n.path("containerd.toml")); err != nil {
		return err
	}
	return n.until(ctx, "containerd", func(ctx context.Context) error {
		_, err := n.ctr(ctx, "version")
		return err
	})
}

// loadPause makes the image that every pod's namespaces hang on.
func (n *Node) loadPause(ctx context.Context) error {
	tar := n.path("pause.tar")
	if err := Image(ctx, tar, pauseImage, map[string]string{"/pause": n.binary("pause")}, "/pause"); err != nil {
		return err
	}
	return n.Load(ctx, tar)
}

// Load brings the images of a docker-archive or OCI layout tarball onto the node. Pods find them by the names in it, and by NAME@DIGEST; their imagePullPolicy
// is not Always, for there is no registry.
func (n *Node) Load(ctx context.Context, tarball string) error {
	if _, err := n.ctr(ctx, "images", "import", tarball); err != nil {
		return err
	}
	list, err := n.ctr(ctx, "images", "ls")
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for line := range strings.Lines(list) {
		if fields := strings.Fields(line); len(fields) > 0 {
			known[fields[0]] = true
		}
	}
	for line := range strings.Lines(list) {
		// REF TYPE DIGEST SIZE PLATFORMS LABELS
		fields := strings.Fields(line)
		if len(fields) < 3 || !strings.HasPrefix(fields[2], "sha256:") || strings.Contains(fields[0], "sha256:") {
			continue
		}
		pinned := repository(fields[0]) + "@" + fields[2]
		if known[pinned] {
			continue
		}
		if _, err := n.ctr(ctx, "images", "tag", fields[0], pinned); err != nil {
			return err
		}
		known[pinned] = true
	}
	return nil
}

// repository is an image's name without its tag.
func repository(reference string) string {
	if i := strings.LastIndexByte(reference, ':'); i > strings.LastIndexByte(reference, '/') {
		return reference[:i]
	}
	return reference
}

// ctr asks containerd, in the namespace of Kubernetes.
func (n *Node) ctr(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ctr", append([]string{"--address", n.path("containerd.sock"), "--namespace", "k8s.io"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ctr %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func (n *Node) write(name, text string) error {
	return os.WriteFile(n.path(name), []byte(text), 0o644)
}
