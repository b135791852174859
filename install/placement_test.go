package install_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
)

// What the chart itself says of its pods stays, also where values say it again or otherwise: many charts want kubernetes.io/os said.
func TestOwnMarksOfPodsStay(t *testing.T) {
	const said = `{podLabels: {a: b, app.kubernetes.io/component: x, eks.amazonaws.com/skip-pod-identity-webhook: "false"},
		nodeSelector: {c: d, kubernetes.io/os: windows}}`
	m := render(t, `{server: `+said+`, webhook: `+said+`, agent: `+said+`}`)
	for component, pod := range map[string]core.PodTemplateSpec{
		"server":  find[*apps.Deployment](t, m, "podpass-server").Spec.Template,
		"webhook": find[*apps.Deployment](t, m, "podpass-webhook").Spec.Template,
		"agent":   find[*apps.DaemonSet](t, m, "podpass-agent").Spec.Template,
	} {
		want := map[string]string{
			"a": "b", "app.kubernetes.io/name": "podpass", "app.kubernetes.io/component": component, "app.kubernetes.io/part-of": "podpass",
			"eks.amazonaws.com/skip-pod-identity-webhook": "true",
		}
		if diff := cmp.Diff(want, pod.Labels); diff != "" {
			t.Errorf("%s: labels (-want +got):\n%s", component, diff)
		}
		if diff := cmp.Diff(map[string]string{"c": "d", "kubernetes.io/os": "linux"}, pod.Spec.NodeSelector); diff != "" {
			t.Errorf("%s: node selector (-want +got):\n%s", component, diff)
		}
	}
}

// On the host's network pods cannot share a node, so that an update must not wait for a free one.
func TestUpdateOnTheHostsNetwork(t *testing.T) {
	for hostNetwork, want := range map[bool]string{false: "0 unavailable, 1 more", true: "1 unavailable, 0 more"} {
		update := find[*apps.Deployment](t, render(t, fmt.Sprintf(`{webhook: {hostNetwork: %v}}`, hostNetwork)), "podpass-webhook").Spec.Strategy.RollingUpdate
		if got := fmt.Sprintf("%v unavailable, %v more", update.MaxUnavailable, update.MaxSurge); got != want {
			t.Errorf("hostNetwork %v: %s, want %s", hostNetwork, got, want)
		}
	}
}

// client-go's own is 45 s: for as long every lookup would fail when an API server's machine is lost.
func TestLostAPIServersAreNoticed(t *testing.T) {
	m := render(t, "")
	for _, name := range []string{"HTTP2_READ_IDLE_TIMEOUT_SECONDS", "HTTP2_PING_TIMEOUT_SECONDS"} {
		if seconds, err := strconv.Atoi(envOf(t, m, "podpass-webhook", name)); err != nil || seconds < 1 || seconds > 2 {
			t.Errorf("%s: %d, %v", name, seconds, err)
		}
	}
}
