package store_test

import (
	"testing"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

func TestEmbedded(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Config { return store.Config{DataDir: t.TempDir(), NoSync: true} })
}

func TestExternal(t *testing.T) {
	cluster := storetest.StartCluster(t, 3, nil)
	storetest.Run(t, func(t testing.TB) store.Config {
		cluster.Clear(t)
		return store.Config{Endpoints: cluster.Endpoints}
	})
}
