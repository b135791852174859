package config_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/podpass/podpass/webhook/config"
)

// until polls a condition that another goroutine is to bring about.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// volume writes a file as the kubelet does: into a new directory, to which a symbolic link is then moved at once.
func volume(t *testing.T, dir, name, generation, text string) string {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, generation), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, generation, name), text)
	temporary := filepath.Join(dir, "..data_tmp")
	if err := os.Symlink(generation, temporary); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if _, err := os.Lstat(path); err != nil {
		if err := os.Symlink("..data/"+name, path); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func identities(t *testing.T, path string, resync time.Duration, registry prometheus.Registerer) *config.Identities {
	t.Helper()
	i, err := config.NewIdentities(path, resync, nil, registry)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { i.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	until(t, "the file was looked for", func() bool { return i.Ready() == nil })
	return i
}

func associated(i *config.Identities, namespace, name string) bool {
	found, current := i.Associated(context.Background(), namespace, name)
	return found && current
}

func metric(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

const (
	one = `{"identities":[{"namespace":"shop","serviceAccount":"web"}]}`
	two = `{"identities":[{"namespace":"shop","serviceAccount":"web"},{"namespace":"team-*","serviceAccount":"*"}]}`
)

func TestIdentities(t *testing.T) {
	dir := t.TempDir()
	registry := prometheus.NewRegistry()
	path := volume(t, dir, "config.json", "..2026_1", one)
	i := identities(t, path, time.Hour, registry)
	if !associated(i, "shop", "web") || associated(i, "shop", "other") || associated(i, "team-a", "x") {
		t.Error("the first file is not what is in effect")
	}
	changed := i.Changed()
	volume(t, dir, "config.json", "..2026_2", two)
	until(t, "the volume's second generation", func() bool { return associated(i, "team-a", "x") && i.Matching("team-b", "y") })
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		t.Error("Changed was not closed")
	}
	if diff := cmp.Diff(map[string]struct{}{"shop/web": {}, "team-*/*": {}}, i.Entries()); diff != "" {
		t.Error(diff)
	}

	volume(t, dir, "config.json", "..2026_3", `{"identities":[{"namespace":"Shop","serviceAccount":"web"}]}`)
	until(t, "the mistake is counted", func() bool { return metric(t, registry, "podpass_webhook_config_errors_total") == 1 })
	if !associated(i, "shop", "web") || !associated(i, "team-a", "x") || metric(t, registry, "podpass_webhook_config_entries") != 2 {
		t.Error("a mistake put the last good file out of effect")
	}
	volume(t, dir, "config.json", "..2026_4", one)
	until(t, "the volume's fourth generation", func() bool { return !associated(i, "team-a", "x") })
}

// Files that are replaced, written in place, taken away and brought back.
func TestIdentitiesOfAPlainFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	i := identities(t, path, 20*time.Millisecond, nil)
	if associated(i, "shop", "web") {
		t.Error("somebody is in a file that does not exist")
	}
	write(t, path, one)
	until(t, "the file appears", func() bool { return associated(i, "shop", "web") })
	write(t, path+".new", two)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	until(t, "the file is replaced", func() bool { return associated(i, "team-a", "x") })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, `{}`)
	until(t, "the file is empty", func() bool { return !associated(i, "shop", "web") })
}

func TestIdentitiesThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":      `{"identities"`,
		"another shape": `{"identities":{"namespace":"shop"}}`,
		"no account":    `{"identities":[{"namespace":"shop"}]}`,
		"a bad name":    `{"identities":[{"namespace":"shop","serviceAccount":"Web"}]}`,
		"too long":      strings.Repeat(" ", 16<<20) + one,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.json")
			write(t, path, text)
			registry := prometheus.NewRegistry()
			i := identities(t, path, time.Hour, registry)
			if associated(i, "shop", "web") || metric(t, registry, "podpass_webhook_config_errors_total") != 1 {
				t.Error("it has an effect, or is not counted")
			}
		})
	}
}
