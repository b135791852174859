//go:build e2e

package node_test

import (
	"context"
	"os"
	"testing"

	"github.com/podpass/podpass/test/isolated"
	"github.com/podpass/podpass/test/kubernetes"
)

// prepare makes what needs a network to be made: inside there is none.
func prepare() error { return kubernetes.Prepare(context.Background(), os.Stderr) }

func TestMain(m *testing.M) { os.Exit(isolated.Run(prepare, m.Run)) }
