package associations_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/webhook/associations"
)

// With the real server: what was acknowledged is found, at once and every time, and a member that was cut off holds writers up no longer than its lease.
func TestAcknowledgedIsFound(t *testing.T) {
	authority := podpasstest.Start(t)
	authority.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	client, err := api.New(api.Config{Endpoint: authority.URL, Region: podpasstest.Region, Credentials: podpasstest.As(authority.Admin)})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	f, err := associations.New(associations.Config{
		Servers: []associations.Server{client}, Cluster: podpasstest.Cluster, Member: "webhook-1", Registry: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	if _, current := f.Associated(ctx, "shop", "web"); !current {
		t.Fatal("it is not current")
	}
	find := func(name string, want bool) {
		t.Helper()
		if associated, current := f.Associated(ctx, "shop", name); associated != want || !current {
			t.Fatalf("shop/%s: associated %v, current %v", name, associated, current)
		}
	}
	for i := range 200 {
		name := fmt.Sprintf("web-%d", i)
		a := authority.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: name, Role: "reader"})
		find(name, true)
		effect, err := client.GetAssociationInEffect(ctx, podpasstest.Cluster, a.ID)
		if err != nil || effect.Webhooks != 1 || !effect.InEffect {
			t.Fatalf("association %s: %+v, %v: it was acknowledged without the webhook", a.ID, effect, err)
		}
		if i%2 == 0 {
			authority.DeleteAssociation(t, a)
			find(name, false)
		}
	}
	if families, err := registry.Gather(); err != nil || len(families) != 4 {
		t.Errorf("%d metrics, %v: %v", len(families), err, families)
	}

	cancel()
	<-ended
	began := time.Now()
	authority.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "late", Role: "reader"})
	late, done := context.WithTimeout(t.Context(), time.Millisecond)
	defer done()
	if associated, current := f.Associated(late, "shop", "late"); current || associated {
		t.Errorf("a member that left calls its knowledge current when a write went by it: associated %v, current %v", associated, current)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a write waited %v for a member that left", took)
	}
}
