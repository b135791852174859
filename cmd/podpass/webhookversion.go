package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"

	"github.com/podpass/podpass/webhook"
)

// The version changes when a cluster is upgraded, under the webhook's feet.
const (
	versionEvery = 5 * time.Minute
	versionAgain = 5 * time.Second // while it is not known
)

// versionWatch knows the API server's version. It is unknown where nobody may ask for it.
type versionWatch struct {
	of    discovery.ServerVersionInterfaceWithContext
	log   *slog.Logger
	asked atomic.Bool
	known atomic.Pointer[webhook.Version]
}

// Version is as last known.
func (v *versionWatch) Version() webhook.Version {
	if known := v.known.Load(); known != nil {
		return *known
	}
	return webhook.Version{}
}

// Ready is nil once the API server was asked, whatever it said: some clusters keep their version to themselves.
func (v *versionWatch) Ready() error {
	if !v.asked.Load() {
		return errors.New("the API server has not been asked for its version yet")
	}
	return nil
}

// Run asks again and again until the context is done.
func (v *versionWatch) Run(ctx context.Context) error {
	again := time.NewTimer(0)
	defer again.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
		info, err := v.ask(ctx)
		if err == nil {
			known := webhook.ParseVersion(info.GitVersion)
			v.known.Store(&known)
		} else if text := err.Error(); text != said {
			v.log.Warn("the API server's version cannot be had", "error", err)
			said = text
		}
		v.asked.Store(true)
		if v.known.Load() == nil {
			again.Reset(versionAgain)
		} else {
			again.Reset(versionEvery)
		}
	}
}

func (v *versionWatch) ask(ctx context.Context) (*version.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, versionAgain)
	defer cancel()
	return v.of.ServerVersionWithContext(ctx)
}
