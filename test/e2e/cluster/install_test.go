//go:build e2e

package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// reference is what the node calls podpass's own image; the digest is what decides.
const reference = "podpass.io/podpass"

// installFlags say what this installation is to be, to `podpass install`: pods reach our STS, and trust its CA. So that a rotation is seen within a
// test, the webhook's CA changes hands fast.
var installFlags = []string{
	"install", "--apply", "--cluster-name", clusterName, "--image", reference, "--set", "pods.stsEndpoint=true", "--set", "pods.ca=true",
	"--set", "webhook.args={--certificate-overlap=" + overlap + "}",
}

// overlap is how long each step of a CA's rotation takes here.
const overlap = "20s"

// install runs podpass install, and says what it has to say.
func (w *world) install(ctx context.Context, more ...string) (string, error) {
	return w.run(ctx, "", "podpass", append(installFlags, more...)...)
}

// volume is what the server's claim finds: this node has nobody who makes volumes.
const volume = `apiVersion: v1
kind: PersistentVolume
metadata: {name: podpass-state}
spec:
  capacity: {storage: 2Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {path: %q}
`

func (w *world) makeVolume(ctx context.Context) error {
	dir := filepath.Join(w.dir, "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := os.Chown(dir, 65532, 65532); err != nil { // the image's user
		return err
	}
	_, err := w.run(ctx, fmt.Sprintf(volume, dir), "kubectl", "apply", "-f", "-")
	return err
}
