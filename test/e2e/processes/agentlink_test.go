//go:build e2e

package processes_test

import (
	"path/filepath"
	"strings"
	"testing"
)

func (n *namespace) initialize(flags ...string) string {
	n.t.Helper()
	return n.must(filepath.Join(binDir, "podpass"), append([]string{"agent", "initialize"}, flags...)...)
}

// The addresses come, stay when asked for again, and go. Where they are depends on the kernel.
func TestAgentInitialize(t *testing.T) {
	n := newNamespace(t)
	device := "lo"
	if n.hasDummyLinks() {
		device = "pod-id-link0"
	}
	wantLines(t, n.initialize(), "169.254.170.23 put on "+device, "fd00:ec2::23 put on "+device)
	wantLines(t, n.initialize(), "169.254.170.23 is on "+device+" already", "fd00:ec2::23 is on "+device+" already")
	for _, address := range []string{"169.254.170.23/32", "fd00:ec2::23/128"} {
		if out := n.ip("-o", "addr", "show", "dev", device); !strings.Contains(out, address) || strings.Contains(out, "tentative") {
			t.Errorf("no %s on %s, or not to be used yet:\n%s", address, device, out)
		}
	}
	removed := n.initialize("--remove")
	if out := n.ip("-o", "addr"); strings.Contains(out, "169.254.170.23") || strings.Contains(out, "fd00:ec2::23") || strings.Contains(out, "pod-id-link0") {
		t.Errorf("%s\nis left:\n%s", removed, out)
	}
	if out := n.ip("-o", "addr", "show", "dev", "lo"); !strings.Contains(out, "127.0.0.1/8") {
		t.Errorf("what was there before is gone:\n%s", out)
	}
	wantLines(t, n.initialize("--remove"), "there is nothing to remove")
}

// Addresses of another device, such as the EKS agent's link, are taken as they are, and stay.
func TestAgentInitializeLeavesOthersAlone(t *testing.T) {
	n := newNamespace(t)
	n.ip("link", "add", "other0", "type", "veth", "peer", "name", "other1")
	n.ip("addr", "add", "169.254.170.23/32", "dev", "other0")
	n.ip("addr", "add", "fd00:ec2::23/128", "dev", "other0", "nodad")
	wantLines(t, n.initialize(), "169.254.170.23 is on other0 already", "fd00:ec2::23 is on other0 already")
	wantLines(t, n.initialize("--remove"), "there is nothing to remove")
	if out := n.ip("-o", "addr", "show", "dev", "other0"); !strings.Contains(out, "169.254.170.23") || !strings.Contains(out, "fd00:ec2::23") {
		t.Errorf("they are gone:\n%s", out)
	}
}

// A link of the agent's name that is down and empty is brought up, given the addresses and the routes.
func TestAgentInitializeCompletesALink(t *testing.T) {
	n := newNamespace(t)
	n.ip("link", "add", "pod-id-link0", "type", "veth", "peer", "name", "other0")
	n.ip("link", "set", "other0", "up")
	for range 2 {
		n.initialize()
		for _, want := range [][]string{
			{"169.254.170.23/32", "-o", "addr", "show", "dev", "pod-id-link0"},
			{"fd00:ec2::23/128", "-o", "addr", "show", "dev", "pod-id-link0"},
			{"169.254.170.23 scope link", "-4", "route", "show", "dev", "pod-id-link0"},
			{"fd00:ec2::23", "-6", "route", "show", "dev", "pod-id-link0"},
			{",UP", "link", "show", "dev", "pod-id-link0"},
		} {
			if out := n.ip(want[1:]...); strings.Count(out, want[0]) < 1 {
				t.Errorf("ip %s does not show %q:\n%s", strings.Join(want[1:], " "), want[0], out)
			}
		}
	}
}

func TestAgentInitializeWithoutIPv6(t *testing.T) {
	n := newNamespace(t)
	n.switchIPv6Off()
	out := n.initialize()
	if !strings.Contains(out, "169.254.170.23 put on ") || !strings.Contains(out, "fd00:ec2::23: IPv6 is switched off on this machine\n") {
		t.Error(out)
	}
}

// Without the right to change the network it says what it needs.
func TestAgentInitializeNotPermitted(t *testing.T) {
	n := newNamespace(t)
	cmd := n.command("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", filepath.Join(binDir, "podpass"), "agent", "initialize")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "169.254.170.23: not permitted to add it (needs the capability NET_ADMIN)") {
		t.Errorf("%v\n%s", err, out)
	}
}

func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	if text := strings.Join(want, "\n") + "\n"; got != text {
		t.Errorf("got\n%swant\n%s", got, text)
	}
}
