package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseConfig(t *testing.T) {
	text := "up:\n  listen: 127.0.0.1:1\n  allow-discovery: true\n  trusted-proxies: [10.0.0.0/8, 192.168.0.1]\ncluster list:\n  output: json\nserver:\n  count: 7\n"
	for command, want := range map[string]map[string]string{
		"up":           {"listen": "127.0.0.1:1", "allow-discovery": "true", "trusted-proxies": "10.0.0.0/8,192.168.0.1"},
		"cluster list": {"output": "json"},
		"server":       {"count": "7"},
		"run":          {},
	} {
		got, err := parseConfig([]byte(text), command)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(command, diff)
		}
	}
	for _, bad := range []string{"up: 1", "up: {a: {b: c}}", "up: {a: 1, a: 2}", "- up", "up: {a: ~}", "\t"} {
		if got, err := parseConfig([]byte(bad), "up"); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestEnviron(t *testing.T) {
	e := environ{"A=1", "B=", "A=2", "AB=3", "HOME=/home/a", "XDG_STATE_HOME=relative"}
	for name, want := range map[string]string{"A": "2", "B": "", "AB": "3", "C": ""} {
		if got := e.get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := e.dataDir(); got != "/home/a/.local/state/podpass" {
		t.Errorf("a relative XDG_STATE_HOME counts: %s", got)
	}
	if got := append(e, "XDG_STATE_HOME=/state").dataDir(); got != "/state/podpass" {
		t.Errorf("data directory %s", got)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("up:\n  listen: 127.0.0.1:1\n"))
	f.Add([]byte("up: {trusted-proxies: [a, b]}"))
	f.Add([]byte("up: &a {a: *a}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		section, err := parseConfig(text, "up")
		if err != nil && section != nil {
			t.Errorf("both %v and %v", section, err)
		}
	})
}
