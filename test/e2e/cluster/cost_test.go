//go:build e2e

package cluster_test

import (
	"slices"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What podpass adds to the creation of a pod: the difference between pods it reviews and pods it is not asked about (they carry the skip label), each
// in turn, one at a time, in dry runs, which are everything but the write.
func TestCost(t *testing.T) {
	w := shared(t)
	namespace := w.both(t, "cost", nil)
	const rounds = 400
	skip := func(p *core.Pod) { p.Labels = map[string]string{"eks.amazonaws.com/skip-pod-identity-webhook": "true"} }
	took := map[string][]time.Duration{}
	measure := func(name string, pod *core.Pod) {
		t.Helper()
		began := time.Now()
		_, err := w.client.CoreV1().Pods(namespace).Create(t.Context(), pod, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
		if err != nil {
			t.Fatal(err)
		}
		took[name] = append(took[name], time.Since(began))
	}
	// The guard would refuse skipped pods of these accounts; a pod of an account without a role costs the API server the same.
	w.serviceAccount(t, namespace, "none", "")
	for range rounds {
		measure("not asked", newPod("p", "none", gated, skip))
		measure("no identity", newPod("p", "none", gated))
		measure("irsa", newPod("p", "irsa", gated))
		measure("pod-identity", newPod("p", "pod-identity", gated))
	}
	for _, all := range took {
		slices.Sort(all)
	}
	quantile := func(name string, q float64) time.Duration { return took[name][int(q*float64(rounds-1))] }
	for _, name := range []string{"no identity", "irsa", "pod-identity"} {
		p50, p99 := quantile(name, 0.5)-quantile("not asked", 0.5), quantile(name, 0.99)-quantile("not asked", 0.99)
		t.Logf("figure: added to a pod creation (%s): p50 %.1f ms, p99 %.1f ms (goal 5 and 15; %d creations each, one at a time; without: p50 %.1f ms, p99 %.1f ms)",
			name, ms(p50), ms(p99), rounds, ms(quantile("not asked", 0.5)), ms(quantile("not asked", 0.99)))
		w.progress("added to a pod creation (%s): p50 %.1f ms, p99 %.1f ms", name, ms(p50), ms(p99))
		// Ten times the goal is no figure of a busy machine.
		if p50 > 50*time.Millisecond {
			t.Errorf("%s: %v are added at the median", name, p50)
		}
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
