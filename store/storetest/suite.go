package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

const account = "111122223333"

// Run is the suite. fresh gives the configuration of an empty store, each time it is called of another one.
func Run(t *testing.T, fresh func(t testing.TB) store.Config) {
	for name, test := range map[string]func(t *testing.T, c store.Config){
		"Update": testUpdate, "UpdateContention": testContention, "List": testList, "By": testBy, "Reopen": testReopen,
		"Transact": testTransact, "TransactAtomic": testAtomic, "TransactLimits": testLimits, "ReadBy": testReadBy, "PhantomGuard": testPhantom,
		"Barrier": testBarrier, "JoinWhileWriting": testJoin, "JoinWhileIdle": testJoinIdle, "BarrierConcurrent": testBarrierConcurrent, "Ring": testRing, "RingRotation": testRotation, "Revoked": testRevoked,
		"AssociationChanges": testChanges, "Journal": testJournal, "AssociationSnapshot": testSnapshot, "AssociationEffect": testEffect,
		"ClosedWhileWaiting": testClosedWhileWaiting,
		"MemberDelays":       testMemberDelays, "MemberDies": testMemberDies, "MemberReadsItsWrites": testMemberReads, "MemberLimits": testMemberLimits,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func open(t testing.TB, c store.Config) *store.Store {
	t.Helper()
	return Open(t, func(into *store.Config) { *into = c })
}

// openPair is two replicas of one store.
func openPair(t testing.TB, c store.Config) (a, b *store.Store) {
	t.Helper()
	a = open(t, c)
	if c.DataDir == "" {
		return a, open(t, c)
	}
	b, err := a.Join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, b
}

func role(name string, attached ...string) *store.Role {
	return &store.Role{Account: account, Partition: "aws", Path: "/", Name: name, ID: "AROA" + name, MaxSession: 3600, Attached: attached}
}

// fullRole has every field set.
func fullRole() *store.Role {
	return &store.Role{
		Account: account, Partition: "aws", Path: "/team/", Name: "Full", ID: "AROAFULL", Description: "for tests", MaxSession: 7200, Trust: `{"x":1}`,
		TrustPins: map[string]string{"arn:aws:iam::111122223333:user/u": "AIDA1", "arn:aws:iam::111122223333:user/v": "AIDA2"},
		Tags:      identity.Tags{{Key: "team", Value: "a"}, {Key: "stage", Value: "ünï"}, {Key: "empty", Value: ""}},
		Boundary:  "arn:aws:iam::aws:policy/b", Inline: store.Documents{{Name: "p", Text: "{}"}, {Name: "q", Text: `{"y":2}`}}, Attached: []string{"arn:aws:iam::aws:policy/c", "d"},
		Created: time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC),
	}
}

// put writes one record whatever was there.
func put[T any](t testing.TB, table *store.Table[T], key string, v *T) {
	t.Helper()
	if _, err := table.Update(t.Context(), key, func(*T) (*T, error) { return v, nil }); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
}

func testUpdate(t *testing.T, c store.Config) {
	s := open(t, c)
	key := store.RoleKey(account, "Full")
	if _, ok := s.Roles.Get(key); ok {
		t.Error("an empty store has a role")
	}
	want := fullRole()
	wrote, err := s.Roles.Update(t.Context(), key, func(old *store.Role) (*store.Role, error) {
		if old != nil {
			t.Errorf("a role that is not there is %v", old)
		}
		return fullRole(), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := s.Roles.Get(key)
	if !ok || cmp.Diff(want, got) != "" || cmp.Diff(want, wrote) != "" {
		t.Errorf("read %v, wrote %v, want %v", got, wrote, want)
	}

	wrote.Tags[0].Value, wrote.Inline[0].Text = "changed", "changed"
	refused := errors.New("refused")
	_, err = s.Roles.Update(t.Context(), key, func(old *store.Role) (*store.Role, error) {
		old.Tags[0].Value, old.Inline[0].Text = "changed", "changed"
		return old, refused
	})
	if err != refused {
		t.Errorf("the error of change came back as %v", err)
	}
	if got, _ := s.Roles.Get(key); cmp.Diff(want, got) != "" {
		t.Errorf("what Update handed out is the index's own: %s", cmp.Diff(want, got))
	}

	before, _ := s.Roles.Get(key)
	put(t, s.Roles, key, want)
	if after, _ := s.Roles.Get(key); before != after {
		t.Error("a record was written though nothing of it changed")
	}
	put(t, s.Roles, key, nil)
	put(t, s.Roles, key, nil)
	if got, ok := s.Roles.Get(key); ok || s.Roles.Len() != 0 {
		t.Errorf("a deleted role is %v", got)
	}
}

func testContention(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	const workers, each = 8, 25
	var group sync.WaitGroup
	for i := range workers {
		s := []*store.Store{a, b}[i%2]
		group.Go(func() {
			for range each {
				_, err := s.Roles.Update(t.Context(), "k", func(old *store.Role) (*store.Role, error) {
					if old == nil {
						old = role("counter")
						old.MaxSession = 0
					}
					old.MaxSession++
					return old, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for name, s := range map[string]*store.Store{"a": a, "b": b} {
		if got, ok := s.Roles.Get("k"); !ok || got.MaxSession != workers*each {
			t.Errorf("%s: %d updates left a count of %v", name, workers*each, got)
		}
	}
}

func testList(t *testing.T, c store.Config) {
	s := open(t, c)
	var want []string
	for i := range 700 { // List takes 256 at a time
		want = append(want, store.ServiceAccountKey("local", "shop", fmt.Sprintf("sa-%03d", i*9%700)))
	}
	others := []string{"local/shop2/sa", "local/sho/sa", "loca/x", "z"}
	for chunk := range slices.Chunk(slices.Concat(want, others), 100) {
		err := s.Transact(t.Context(), func(tx *store.Tx) error {
			for _, key := range chunk {
				store.Write(tx, s.ServiceAccounts, key, &store.ServiceAccount{Name: key})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	list := func(prefix, after string, most int) (out []string) {
		for key, v := range s.ServiceAccounts.List(prefix, after) {
			if v.Name != key {
				t.Errorf("%s holds %s", key, v.Name)
			}
			if out = append(out, key); len(out) == most {
				break
			}
		}
		return out
	}
	if diff := cmp.Diff(want, list("local/shop/", "", -1)); diff != "" {
		t.Errorf("whole list: %s", diff)
	}
	var paged []string
	for page := list("local/shop/", "", 100); len(page) > 0; page = list("local/shop/", page[len(page)-1], 100) {
		paged = append(paged, page...)
	}
	if diff := cmp.Diff(want, paged); diff != "" {
		t.Errorf("in pages: %s", diff)
	}
	if got := list("local/shop/", want[255]+"x", 1); len(got) != 1 || got[0] != want[256] {
		t.Errorf("behind a key that is not there: %v", got)
	}
	if got := list("", "", -1); len(got) != len(want)+len(others) || !slices.IsSorted(got) {
		t.Errorf("everything: %d keys", len(got))
	}
	if got := list("local/shop/", "z", -1); got != nil {
		t.Errorf("behind the end: %v", got)
	}
	for key := range s.ServiceAccounts.List("local/shop/", "") { // writing while listing must not lock up
		put(t, s.ServiceAccounts, key, nil)
		if key == want[299] {
			break
		}
	}
	if diff := cmp.Diff(want[300:], list("local/shop/", "", -1)); diff != "" {
		t.Errorf("after deleting while listing: %s", diff)
	}
}

func testBy(t *testing.T, c store.Config) {
	s := open(t, c)
	byPolicy := func(arn string) (names []string) {
		for _, r := range s.Roles.By(store.ByPolicy, arn) {
			names = append(names, r.Name)
		}
		return names
	}
	const p, q = "arn:aws:iam::111122223333:policy/p", "arn:aws:iam::111122223333:policy/q"
	bounded := role("c", q)
	bounded.Boundary = p
	put(t, s.Roles, "3", bounded)
	put(t, s.Roles, "1", role("a", p))
	put(t, s.Roles, "2", role("b", q, p))
	check := func(step string, arn string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, byPolicy(arn)); diff != "" {
			t.Errorf("%s: by %s: %s", step, arn, diff)
		}
	}
	check("written", p, "a", "b", "c")
	check("written", q, "b", "c")
	put(t, s.Roles, "2", role("b"))
	check("detached", p, "a", "c")
	check("detached", q, "c")
	put(t, s.Roles, "3", nil)
	check("deleted", p, "a")
	check("deleted", q)
	put(t, s.Roles, "1", role("a2", p))
	check("renamed", p, "a2")
	if got := s.Roles.By(store.ByID, "AROAa"); got != nil {
		t.Errorf("by an id no role has any more: %v", got)
	}
	if got := s.Roles.By(store.ByIssuer, "x"); got != nil {
		t.Errorf("by an index roles do not have: %v", got)
	}

	issuer := identity.MustIssuer("https://issuer.example/1")
	put(t, s.Users, "u", &store.User{ID: "AIDA1", Boundary: p, Attached: []string{p}})
	put(t, s.AccessKeys, "AKIA1", &store.AccessKey{ID: "AKIA1", UserID: "AIDA1"})
	put(t, s.Clusters, "demo", &store.Cluster{Name: "demo", Account: account, Issuer: issuer})
	put(t, s.Providers, "p", &store.Provider{Account: account, Issuer: issuer})
	for name, n := range map[string]int{
		"user by id": len(s.Users.By(store.ByID, "AIDA1")), "user by policy": len(s.Users.By(store.ByPolicy, p)),
		"key by user": len(s.AccessKeys.By(store.ByUser, "AIDA1")), "cluster by issuer": len(s.Clusters.By(store.ByIssuer, issuer.String())),
		"cluster by account": len(s.Clusters.By(store.ByAccount, account)), "provider by issuer": len(s.Providers.By(store.ByIssuer, issuer.String())),
	} {
		if n != 1 {
			t.Errorf("%s: %d records", name, n)
		}
	}
}

func testReopen(t *testing.T, c store.Config) {
	first, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	put(t, first.Roles, "1", role("a", "p"))
	put(t, first.Roles, "2", role("b", "p"))
	put(t, first.Roles, "2", nil)
	put(t, first.Roles, "3", fullRole())
	put(t, first.Meta, store.MetaKey, &store.Meta{Management: account})
	ring := first.Ring().Keys
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Check(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a closed store's check: %v", err)
	}
	if _, err := first.Roles.Update(t.Context(), "1", func(*store.Role) (*store.Role, error) { return nil, nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a closed store's update: %v", err)
	}
	second := open(t, c)
	if r, ok := second.Roles.Get("1"); !ok || cmp.Diff(role("a", "p"), r) != "" || second.Roles.Len() != 2 {
		t.Errorf("after reopening: %v, %d roles", r, second.Roles.Len())
	}
	if r, _ := second.Roles.Get("3"); cmp.Diff(fullRole(), r) != "" {
		t.Errorf("after reopening: %s", cmp.Diff(fullRole(), r))
	}
	if got := second.Roles.By(store.ByPolicy, "p"); len(got) != 1 {
		t.Errorf("after reopening, by policy: %v", got)
	}
	if m, ok := second.Meta.Get(store.MetaKey); !ok || m.Management != account {
		t.Errorf("after reopening: %v", m)
	}
	if diff := cmp.Diff(ring, second.Ring().Keys); diff != "" {
		t.Errorf("after reopening, the ring: %s", diff)
	}
	put(t, second.Roles, "1", role("c")) // compare-and-swap on revisions that were loaded
}
