package control_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
)

// associate writes an association of the hosted cluster, or deletes it where id is "".
func associate(t testing.TB, s *podpasstest.Server, name, id string) {
	t.Helper()
	_, err := s.Store.Associations.Update(t.Context(), store.AssociationKey("local", "shop", name), func(*store.Association) (*store.Association, error) {
		if id == "" {
			return nil, nil
		}
		return &store.Association{
			Cluster: "local", Namespace: "shop", ServiceAccount: name, ID: id, RoleARN: podpasstest.RoleARN("r"), Created: s.Clock.Now(),
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWatchAssociations(t *testing.T) {
	s := podpasstest.Start(t)
	c := client(t, s, none)
	watch := func(in api.WatchAssociationsRequest) *api.WatchAssociationsResult {
		t.Helper()
		in.Cluster = "local"
		return must[*api.WatchAssociationsResult](t)(c.WatchAssociations(t.Context(), &in))
	}
	associate(t, s, "web", "a-1")
	if got := watch(api.WatchAssociationsRequest{}); !got.Reset || len(got.Changes) != 0 || got.LeaseSeconds != 0 {
		t.Errorf("the first answer without a snapshot: %+v", got)
	}
	first := watch(api.WatchAssociationsRequest{Snapshot: true, WaitSeconds: 20})
	web := api.AssociationChange{Namespace: "shop", ServiceAccount: "web", ID: "a-1"}
	if diff := cmp.Diff([]api.AssociationChange{web}, first.Changes); diff != "" || !first.Reset {
		t.Errorf("snapshot: %+v", first)
	}
	polled := s.Audit.Len()
	if got := watch(api.WatchAssociationsRequest{Revision: first.Revision, Snapshot: true}); got.Reset || len(got.Changes) != 0 {
		t.Errorf("nothing has happened: %+v", got)
	}
	associate(t, s, "api", "a-2")
	associate(t, s, "web", "")
	web.Deleted = true
	got := watch(api.WatchAssociationsRequest{Revision: first.Revision, WaitSeconds: 20})
	if diff := cmp.Diff([]api.AssociationChange{{Namespace: "shop", ServiceAccount: "api", ID: "a-2"}, web}, got.Changes); diff != "" || got.Reset {
		t.Errorf("two changes: %s", diff)
	}
	if since := s.Audit.Since(polled); len(since) != 0 {
		t.Errorf("polls of a watcher on record: %+v", since)
	}

	// A refused poll is on record, whoever asked before.
	user := client(t, s, limited(t, s, podpasstest.Allow("podpass:DescribeCluster")))
	n := s.Audit.Len()
	_, err := user.WatchAssociations(t.Context(), &api.WatchAssociationsRequest{Cluster: "local", Revision: got.Revision})
	refused(t, err, api.CodeAccessDenied)
	if e := event(t, s, n); e.Action != "WatchAssociations" || e.Cluster != "local" || e.Outcome != audit.Refused {
		t.Errorf("event %+v", e)
	}
	for what, in := range map[string]api.WatchAssociationsRequest{
		"a wait too long":      {WaitSeconds: 21},
		"a wait before now":    {WaitSeconds: -1},
		"a revision before 0":  {Revision: -1},
		"a member with spaces": {Member: "a b"},
		"a long member":        {Member: strings.Repeat("a", 65)},
	} {
		in.Cluster = "local"
		if _, err := c.WatchAssociations(t.Context(), &in); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	_, err = c.WatchAssociations(t.Context(), &api.WatchAssociationsRequest{Cluster: "nowhere"})
	refused(t, err, api.CodeNotFound)
}

// A webhook that takes part in the write barrier: what is acknowledged it has, and who is waited for can be asked.
func TestMembersOfTheBarrier(t *testing.T) {
	s := podpasstest.Start(t)
	c := client(t, s, none)
	poll := func(in api.WatchAssociationsRequest) *api.WatchAssociationsResult {
		t.Helper()
		in.Cluster, in.Member, in.Snapshot = "local", "hook-1", true
		return must[*api.WatchAssociationsResult](t)(c.WatchAssociations(t.Context(), &in))
	}
	began := time.Now()
	first := poll(api.WatchAssociationsRequest{})
	if first.LeaseSeconds <= 1 || first.LeaseSeconds >= 3 || !first.Reset {
		t.Errorf("a member's first answer: %+v", first)
	}
	if idle := poll(api.WatchAssociationsRequest{Revision: first.Revision, WaitSeconds: 20}); idle.LeaseSeconds <= 1 {
		t.Errorf("an idle member's answer: %+v", idle)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("a member that asks to wait for 20 s was kept for %v, longer than its lease", took)
	}
	acknowledged := make(chan struct{})
	go func() {
		defer close(acknowledged)
		associate(t, s, "web", "a-1")
	}()
	got := poll(api.WatchAssociationsRequest{Revision: first.Revision, WaitSeconds: 1})
	if len(got.Changes) != 1 || got.Changes[0].ID != "a-1" {
		t.Fatalf("the change: %+v", got)
	}
	effect := must[*api.AssociationInEffect](t)(c.GetAssociationInEffect(t.Context(), "local", "a-1"))
	if want := (&api.AssociationInEffect{Servers: 1, Webhooks: 1, Pending: []string{"webhook/hook-1"}}); !cmp.Equal(want, effect) {
		t.Errorf("given, not applied: %+v", effect)
	}
	poll(api.WatchAssociationsRequest{Revision: got.Revision})
	<-acknowledged
	effect = must[*api.AssociationInEffect](t)(c.GetAssociationInEffect(t.Context(), "local", "a-1"))
	if want := (&api.AssociationInEffect{InEffect: true, Servers: 1, Webhooks: 1}); !cmp.Equal(want, effect) {
		t.Errorf("applied: %+v", effect)
	}

	deleted := make(chan struct{})
	go func() {
		defer close(deleted)
		associate(t, s, "web", "")
	}()
	got = poll(api.WatchAssociationsRequest{Revision: got.Revision, WaitSeconds: 1})
	if len(got.Changes) != 1 || !got.Changes[0].Deleted {
		t.Fatalf("the deletion: %+v", got)
	}
	effect = must[*api.AssociationInEffect](t)(c.GetAssociationInEffect(t.Context(), "local", "a-1"))
	if effect.InEffect || !slices.Equal(effect.Pending, []string{"webhook/hook-1"}) {
		t.Errorf("deleted, and the webhook still has it: %+v", effect)
	}
	poll(api.WatchAssociationsRequest{Revision: got.Revision})
	<-deleted
	for _, id := range []string{"a-1", "a-unknown"} {
		_, err := c.GetAssociationInEffect(t.Context(), "local", id)
		refused(t, err, api.CodeNotFound)
	}
	_, err := c.GetAssociationInEffect(t.Context(), "local", "a 1")
	refused(t, err, api.CodeValidation)
}

// What an agent may and a webhook may, and nobody of another account.
func TestWhoMayWatch(t *testing.T) {
	s := podpasstest.Start(t)
	as := func(part string) *api.Client {
		t.Helper()
		provider := s.WebIdentity(t, "podpass/"+part+"-local", s.Token(t, "podpass-system", part)).Options().Credentials
		out, err := api.New(api.Config{Endpoint: s.URL, Region: podpasstest.Region, Credentials: provider})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	agent, webhook := as("podpass-agent"), as("podpass-webhook")
	plain, member := &api.WatchAssociationsRequest{Cluster: "local"}, &api.WatchAssociationsRequest{Cluster: "local", Member: "m"}
	must[*api.WatchAssociationsResult](t)(agent.WatchAssociations(t.Context(), plain))
	must[*api.ClusterKeysResult](t)(agent.GetClusterKeys(t.Context(), "local"))
	must[*api.WatchAssociationsResult](t)(webhook.WatchAssociations(t.Context(), plain))
	must[*api.WatchAssociationsResult](t)(webhook.WatchAssociations(t.Context(), member))
	_, err := agent.WatchAssociations(t.Context(), member)
	refused(t, err, api.CodeAccessDenied)
	_, err = agent.GetAssociationInEffect(t.Context(), "local", "a-1")
	refused(t, err, api.CodeAccessDenied)

	tenant := must[*api.CreateAccountResult](t)(client(t, s, none).CreateAccount(t.Context(), &api.CreateAccountRequest{Name: "tenant"}))
	stranger := client(t, s, key(tenant.Administrator))
	for what, call := range map[string]func() error{
		"watch":  func() error { _, err := stranger.WatchAssociations(t.Context(), plain); return err },
		"effect": func() error { _, err := stranger.GetAssociationInEffect(t.Context(), "local", "a-1"); return err },
		"keys":   func() error { _, err := stranger.GetClusterKeys(t.Context(), "local"); return err },
		"exchanges": func() error {
			_, err := stranger.RecentExchanges(t.Context(), api.ServiceAccountName{Cluster: "local", Namespace: "shop", Name: "web"})
			return err
		},
	} {
		if text := refused(t, call(), api.CodeNotFound); !strings.Contains(text, "There is no cluster local") {
			t.Errorf("%s: %s", what, text)
		}
	}
}

// A client that goes away is not waited for, and is nobody's failure.
func TestAWatcherThatLeaves(t *testing.T) {
	s := podpasstest.Start(t)
	c := client(t, s, aws.Credentials{})
	first := must[*api.WatchAssociationsResult](t)(c.WatchAssociations(t.Context(), &api.WatchAssociationsRequest{Cluster: "local"}))
	n := s.Audit.Len()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.WatchAssociations(ctx, &api.WatchAssociationsRequest{Cluster: "local", Revision: first.Revision, WaitSeconds: 20}); err == nil {
		t.Error("an answer within 100 ms")
	}
	http.DefaultClient.CloseIdleConnections()
	must[*api.ListClustersResult](t)(c.ListClusters(t.Context()))
	if since := s.Audit.Since(n); len(since) != 1 || strings.Contains(s.Logs.String(), "request failed") {
		t.Errorf("events %+v", since)
	}
}

// A cluster that is registered under the name of one that was deregistered is another, perhaps another account's: whoever follows it is told to begin anew,
// and not what the one before had.
func TestWatchBeginsAnewWithTheCluster(t *testing.T) {
	s := podpasstest.Start(t)
	c := client(t, s, none)
	watch := func(revision int64) *api.WatchAssociationsResult {
		t.Helper()
		return must[*api.WatchAssociationsResult](t)(c.WatchAssociations(t.Context(), &api.WatchAssociationsRequest{Cluster: "local", Revision: revision}))
	}
	associate(t, s, "before", "a-0")
	began := watch(0).Revision
	associate(t, s, "web", "a-1")
	if got := watch(began); got.Reset || len(got.Changes) != 1 {
		t.Fatalf("a change: %+v", got)
	}
	must[*api.Cluster](t)(c.DeregisterCluster(t.Context(), "local"))
	must[*api.RegisterClusterResult](t)(c.RegisterCluster(t.Context(), &api.RegisterClusterRequest{Name: "local", ClusterSpec: api.ClusterSpec{Keys: api.ClusterKeys{Hosted: true}}}))
	got := watch(began)
	if !got.Reset || len(got.Changes) != 0 {
		t.Errorf("of the cluster before: %+v", got)
	}
	associate(t, s, "api", "a-2")
	if got := watch(got.Revision); got.Reset || len(got.Changes) != 1 || got.Changes[0].ID != "a-2" {
		t.Errorf("from there on: %+v", got)
	}
}
