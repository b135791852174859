package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/stsendpoint"
)

// A program is told why nothing was done, and by the exit code that nothing was tried.
func TestSTSRefusalAsJSON(t *testing.T) {
	for _, dryRun := range []bool{false, true} {
		var out, said bytes.Buffer
		c := &stsSetConfig{dryRun: dryRun, yes: true}
		c.output, c.timeout = formatJSON, stsTimeout
		run := &stsSetRun{app: &app{Stdio: Stdio{Out: &out, Err: &said}}, stsSetConfig: c, live: newLiveLine(&said), change: &stsendpoint.Change{}}
		plan := &stsendpoint.Plan{Type: stsendpoint.Global, Refusals: []stsendpoint.Finding{{Code: stsendpoint.NotInjected, Text: "the webhook is down"}}}
		err := run.do(t.Context(), &stsendpoint.Snapshot{World: &stsendpoint.World{}}, plan)
		var failure *failure
		if !errors.As(err, &failure) || failure.code != exitUsage || !strings.Contains(err.Error(), "the webhook is down") {
			t.Errorf("%v", err)
		}
		var got stsendpoint.Plan
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got.Refusals) != 1 || got.Refusals[0].Code != stsendpoint.NotInjected {
			t.Errorf("%v: %s", err, &out)
		}
	}
}

// A hint is the very command again, and speaks of the same cluster.
func TestSTSHints(t *testing.T) {
	c := &stsSetConfig{target: stsTarget{kind: "Deployment", names: []string{"web"}}, wish: stsendpoint.Wish{Type: stsendpoint.Global}}
	c.namespace, c.sdk, c.output, c.timeout, c.context = "shop", "boto3", formatJSON, time.Minute, "blue"
	if got, want := c.again(" --yes"), "podpass sts-endpoint set global deployment web -n shop --timeout 1m0s --context blue --sdk boto3 -o json --yes"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	k := cluster.New(fake.NewClientset(&core.Namespace{ObjectMeta: meta.ObjectMeta{Name: "shop"}}), "https://shop")
	for namespace, want := range map[string]string{"shop": "namespace shop has no deployment web", "shpo": "namespace shpo has no deployment web"} {
		c.namespace = namespace
		var failure *failure
		if _, err := c.scopes(t.Context(), k); !errors.As(err, &failure) || err.Error() != want || failure.hint != "kubectl --context blue get deployment -n "+namespace {
			t.Errorf("%s: %v", namespace, err)
		}
	}
	for kind, names := range map[string][]string{"Namespace": {"shpo"}, "ServiceAccount": {"web"}} {
		c.target, c.namespace = stsTarget{kind: kind, names: names}, "shpo"
		if _, err := c.scopes(t.Context(), k); err == nil || err.Error() != "the cluster has no namespace shpo" {
			t.Errorf("%s: %v", kind, err)
		}
		c.target.names, c.namespace = []string{"shop"}, "shop"
		if _, err := c.scopes(t.Context(), k); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
