//go:build e2e

package node_test

import (
	"os"
	"testing"

	"github.com/podpass/podpass/test/kubernetes"
)

func TestNode(t *testing.T) {
	n, err := kubernetes.Launch(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	out, err := n.Kubectl(t.Context(), "", "get", "nodes,pods,svc", "-A", "-o", "wide")
	t.Log(out, err)
	t.Log(n.Logs())
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
}
