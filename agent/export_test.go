package agent_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/api"
)

// handOver gives one agent's cache to another.
func handOver(t *testing.T, from, to *world) {
	t.Helper()
	data, err := from.Export()
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Import(data); err != nil {
		t.Fatal(err)
	}
}

func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := start(t)
		first, second, third := podOf(1).token(t), podOf(2).token(t), podOf(3).token(t)
		old.mustFetch(first, 1)
		old.mustFetch(second, 2)
		old.mustFetch(third, 3)
		time.Sleep(time.Hour)

		successor := start(t, withoutKeys).running() // it need not check again what the other has
		successor.mustFetch(second, 1)
		successor.ForgetPod(podOf(3).uid)
		handOver(t, old, successor)
		successor.backend.set(failing(errOutage))
		successor.mustFetch(first, 1)
		successor.mustFetch(second, 1) // its own is newer
		successor.mustRefuse(third, 403, "")

		// Handed back, nothing goes over what is as new, and renewals keep their times.
		handOver(t, successor, old)
		old.mustFetch(second, 1)
		successor.backend.set(nil)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if _, pods := successor.backend.since(1); len(pods) != 1 || pods[0] != podOf(1).name {
			t.Errorf("renewed %v", pods)
		}
	})
}

// The successor goes on with the changes where the other was: what it took over is not asked for again, and what was deleted meanwhile is gone.
func TestHandOverOfTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, successor := start(t), start(t)
		first, second := web.token(t), sign(t, clusterKey(), pod{"shop", "db", "db-1", "u"}.claims(time.Now()))
		follow := func(w *world, results ...*api.WatchAssociationsResult) []api.WatchAssociationsRequest {
			ctx, stop := context.WithTimeout(t.Context(), time.Second)
			defer stop()
			watch := &fakeWatch{results: results}
			_ = w.FollowAssociations(ctx, watch)
			return watch.asked
		}
		follow(old, &api.WatchAssociationsResult{Revision: 7, Reset: true})
		old.mustFetch(first, 1)
		old.mustFetch(second, 2)
		handOver(t, old, successor)
		deleted := []api.AssociationChange{{Namespace: "shop", ServiceAccount: "db", Deleted: true}}
		asked := follow(successor, &api.WatchAssociationsResult{Revision: 9, Changes: deleted})
		if len(asked) != 2 || asked[0].Revision != 7 || asked[1].Revision != 9 {
			t.Errorf("asked for %+v", asked)
		}
		successor.backend.set(failing(errOutage))
		successor.mustFetch(first, 1)
		successor.mustRefuse(second, 503, "")

		other := start(t, func(c *agent.Config) { c.Cluster = "another" })
		handOver(t, old, other)
		if asked := follow(other); len(asked) != 1 || asked[0].Revision != 0 {
			t.Errorf("an agent of another cluster asked for %+v", asked)
		}
	})
}

func TestExportLeavesOutWhatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, successor := start(t), start(t)
		raw := web.token(t)
		old.mustFetch(raw, 1)
		data, err := old.Export()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Hour)
		if late, err := old.Export(); err != nil || strings.Contains(string(late), "ASIA") {
			t.Errorf("expired credentials are exported: %v", err)
		}
		if err := successor.Import(data); err != nil {
			t.Fatal(err)
		}
		successor.backend.set(failing(errOutage))
		successor.mustRefuse(raw, 503, "")
	})
}

// An agent of another cluster does not take over what it would not have served.
func TestImportLeavesOutForeigners(t *testing.T) {
	old := start(t)
	raw := web.token(t)
	old.mustFetch(raw, 1)
	other := start(t, withoutKeys, func(c *agent.Config) { c.Issuer = "https://another.test" })
	handOver(t, old, other)
	other.mustRefuse(raw, 400, "invalid issuer")
	if data, err := other.Export(); err != nil || strings.Contains(string(data), "ASIA") {
		t.Errorf("it was taken over: %v", err)
	}
}

func TestImportRefuses(t *testing.T) {
	w := start(t)
	for name, data := range map[string]string{
		"nothing":         "",
		"no JSON":         `{"version":1,"entries":[{"secretAccessKey":"SECRETKEY`,
		"another type":    `{"version":1,"entries":[{"secretAccessKey":"x","asked":"SECRETKEY"}]}`,
		"another version": `{"version":2,"entries":[]}`,
		"no version":      `{}`,
		"no token":        `{"version":1,"entries":[{"token":"SECRETKEY"}]}`,
	} {
		err := w.Import([]byte(data))
		if err == nil || strings.Contains(err.Error(), "SECRETKEY") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A deleted pod's token does not come to life again with the agent that takes over.
func TestDeletedPodsAreHandedOver(t *testing.T) {
	old, next := start(t), start(t)
	raw, others := web.token(t), podOf(2).token(t)
	old.mustFetch(raw, 1)
	old.mustFetch(others, 2)
	next.mustFetch(raw, 1) // of its own, before it heard
	old.ForgetPod(web.uid)
	state, err := old.Export()
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Import(state); err != nil {
		t.Fatal(err)
	}
	next.mustRefuse(raw, 403, "has been deleted")
	next.mustRefuse(web.token(t), 403, "has been deleted")
	next.mustFetch(others, 2)
}
