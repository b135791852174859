package store_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

// put writes an association with its NAMESPACE/SERVICEACCOUNT as id.
func put(t testing.TB, s *store.Store, cluster, name string) {
	t.Helper()
	namespace, account, _ := strings.Cut(name, "/")
	_, err := s.Associations.Update(t.Context(), store.AssociationKey(cluster, namespace, account), func(*store.Association) (*store.Association, error) {
		return &store.Association{Cluster: cluster, Namespace: namespace, ServiceAccount: account, ID: cluster + ":" + name}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, s *store.Store, cluster, name string) {
	t.Helper()
	if _, err := s.Associations.Update(t.Context(), cluster+"/"+name, func(*store.Association) (*store.Association, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
}

// The order in which the associations that match team-a/web-1 are in force: each goes before all below it.
func order() []string {
	return []string{
		"team-a/web-1",    // exactly
		"team-a/web-?",    // a namespace by its name; of the accounts, more literals go first
		"team-a/web*",     //
		"team-a/w*",       //
		"team-a/*",        //
		"team-?/web-1",    // a namespace by a glob of more literals; an account by its name goes first
		"team-?/web-*",    //
		"team-?/*",        //
		"t*-a/web-1",      // fewer literals in the namespace weigh more than all of the account's
		"t*-a/*",          //
		"*-a/web-1",       //
		"*a/*eb-1",        // as many literals in both as the next
		"*a/web-*",        // …which differ in their text alone: * comes before w
		"?*/*",            // no literals at all
		"??????/web-none", // does not match
	}
}

func TestAssociationPrecedence(t *testing.T) {
	s := storetest.Open(t)
	sa := identity.ServiceAccount{Namespace: "team-a", Name: "web-1"}
	list := order()
	matching := list[:len(list)-1]
	shuffled := slices.Clone(list)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	t.Logf("written in the order %q", shuffled)
	for _, name := range shuffled {
		put(t, s, "c", name)
		put(t, s, "cc", name) // another cluster's are none of ours
	}
	for _, name := range matching {
		got, ok := s.AssociationFor("c", sa)
		if !ok || got.ID != "c:"+name {
			t.Fatalf("in force is %+v, want %s", got, name)
		}
		remove(t, s, "c", name)
	}
	if got, ok := s.AssociationFor("c", sa); ok {
		t.Errorf("with none left that matches, %s is in force", got.ID)
	}
	if got, ok := s.AssociationFor("cc", sa); !ok || got.ID != "cc:team-a/web-1" {
		t.Errorf("in the other cluster: %+v", got)
	}
}

// An association whose globs are taken away is no longer found by them, and the other way round.
func TestAssociationGlobsComeAndGo(t *testing.T) {
	s := storetest.Open(t)
	find := func(namespace, name string) string {
		if a, ok := s.AssociationFor("c", identity.ServiceAccount{Namespace: namespace, Name: name}); ok {
			return a.ID
		}
		return ""
	}
	for _, step := range []struct {
		do   func(t testing.TB, s *store.Store, cluster, name string)
		name string
		want string
	}{
		{put, "*/web", "c:*/web"},
		{put, "shop/web", "c:shop/web"},
		{remove, "shop/web", "c:*/web"},
		{put, "shop/*", "c:shop/*"},
		{remove, "*/web", "c:shop/*"},
		{remove, "shop/*", ""},
	} {
		step.do(t, s, "c", step.name)
		if got := find("shop", "web"); got != step.want {
			t.Errorf("after %s: %q, want %q", step.name, got, step.want)
		}
	}
	put(t, s, "c", "sh?p/web")
	if got := find("shp", "web"); got != "" {
		t.Errorf("sh?p matches shp: %q", got)
	}
}

func TestAssociationNames(t *testing.T) {
	c := &store.Cluster{Name: "c", Account: "111122223333", Partition: "aws-cn", Region: "cn-north-1"}
	a := &store.Association{Cluster: "c", ID: "a-abcdefghijklmnop1"}
	if got := a.ARN(c).String(); got != "arn:aws-cn:eks:cn-north-1:111122223333:podidentityassociation/c/a-abcdefghijklmnop1" {
		t.Error(got)
	}
	if got := c.ExternalID(identity.ServiceAccount{Namespace: "shop", Name: "web"}); got != "cn-north-1/111122223333/c/shop/web" {
		t.Error(got)
	}
}
