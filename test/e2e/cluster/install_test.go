//go:build e2e

package cluster_test

import "context"

// reference is what the node calls podpass's own image; the digest is what decides.
const reference = "podpass.io/podpass"

// installFlags say what this installation is to be, to `podpass install`.
var installFlags = []string{
	"install", "--apply", "--yes", "--cluster-name", clusterName, "--image", reference, "--set", "pods.stsEndpoint=true", "--set", "pods.ca=true",
}

func (w *world) install(ctx context.Context, more ...string) error {
	_, err := w.run(ctx, "", "podpass", append(installFlags, more...)...)
	return err
}
