package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/store"
)

func testTransact(t *testing.T, c store.Config) {
	s := open(t, c)
	put(t, s.Roles, "1", role("a"))
	refused := errors.New("refused")
	for _, want := range []error{refused, nil} {
		err := s.Transact(t.Context(), func(tx *store.Tx) error {
			r, ok := store.Read(tx, s.Roles, "1")
			if !ok {
				return errors.New("role 1 is not there")
			}
			r.Name = "changed"
			if again, _ := store.Read(tx, s.Roles, "1"); again.Name != "a" {
				t.Error("a record read was written by changing it")
			}
			store.Write(tx, s.Roles, "1", r)
			r.Description = "before the commit"
			store.Write(tx, s.Users, "new", &store.User{Name: "u"})
			store.Write(tx, s.Users, "gone", &store.User{Name: "v"})
			store.Write(tx, s.Users, "gone", nil)
			if again, ok := store.Read(tx, s.Roles, "1"); !ok || again.Name != "changed" {
				t.Error("a transaction does not see its own write")
			}
			if u, ok := store.Read(tx, s.Users, "new"); !ok || u.Name != "u" {
				t.Error("a transaction does not see its own new record")
			}
			if u, ok := store.Read(tx, s.Users, "gone"); ok || u != nil {
				t.Error("a transaction sees what it deleted")
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
		name, users := "a", 0
		if want == nil {
			name, users = "changed", 1
		}
		if r, _ := s.Roles.Get("1"); r.Name != name || s.Users.Len() != users {
			t.Errorf("after %v: role %s, %d users", want, r.Name, s.Users.Len())
		}
	}
}

// testAtomic moves amounts between two records of two tables from two replicas: whatever they do at once, nothing is made or lost.
func testAtomic(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	put(t, a.Roles, "purse", &store.Role{MaxSession: 1000})
	put(t, a.Policies, "purse", &store.Policy{Next: 1000})
	var group sync.WaitGroup
	for i, s := range []*store.Store{a, b, a, b} {
		group.Go(func() {
			for n := range 25 {
				amount := i*25 + n - 50
				err := s.Transact(t.Context(), func(tx *store.Tx) error {
					r, _ := store.Read(tx, s.Roles, "purse")
					p, _ := store.Read(tx, s.Policies, "purse")
					r.MaxSession -= amount
					p.Next += amount
					store.Write(tx, s.Roles, "purse", r)
					store.Write(tx, s.Policies, "purse", p)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	r, _ := b.Roles.Get("purse")
	p, _ := b.Policies.Get("purse")
	if want := 1000 + 50; r.MaxSession != want || p.Next != 2000-want { // the amounts add up to -50
		t.Errorf("%d and %d, want %d and %d", r.MaxSession, p.Next, want, 2000-want)
	}
}

func testLimits(t *testing.T, c store.Config) {
	s := open(t, c)
	for name, f := range map[string]func(tx *store.Tx) error{
		"no key":          func(tx *store.Tx) error { store.Write(tx, s.Roles, "", role("a")); return nil },
		"unguarded index": func(tx *store.Tx) error { store.ReadBy(tx, s.Roles, store.ByID, "AROAa"); return nil },
		"unknown index":   func(tx *store.Tx) error { store.ReadBy(tx, s.Roles, store.ByIssuer, "x"); return nil },
		"too big": func(tx *store.Tx) error {
			store.Write(tx, s.Roles, "1", &store.Role{Description: strings.Repeat("x", 2<<20)})
			return nil
		},
		"too many": func(tx *store.Tx) error {
			for i := range 2000 {
				store.Write(tx, s.Roles, fmt.Sprint(i), role("a"))
			}
			return nil
		},
	} {
		if err := s.Transact(t.Context(), func(tx *store.Tx) error {
			store.Write(tx, s.Roles, "beside", role("b"))
			return f(tx)
		}); err == nil || errors.Is(err, store.ErrTooLarge) != strings.HasPrefix(name, "too ") || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.Roles.Len() != 0 {
		t.Errorf("%d roles were written by transactions that failed", s.Roles.Len())
	}
}

func testReadBy(t *testing.T, c store.Config) {
	s := open(t, c)
	put(t, s.Roles, "1", role("a", "p"))
	put(t, s.Roles, "2", role("b", "p"))
	var got []string
	err := s.Transact(t.Context(), func(tx *store.Tx) error {
		store.Write(tx, s.Roles, "1", nil)
		store.Write(tx, s.Roles, "2", role("b2", "p", "q"))
		store.Write(tx, s.Roles, "0", role("new", "p"))
		store.Write(tx, s.Roles, "3", role("other", "q"))
		got = nil
		for _, r := range store.ReadBy(tx, s.Roles, store.ByPolicy, "p") {
			got = append(got, r.Name)
			r.Name = "changed"
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"new", "b2"}, got); diff != "" {
		t.Error(diff)
	}
	if r, _ := s.Roles.Get("2"); r.Name != "b2" {
		t.Errorf("what ReadBy gave out was written: %v", r)
	}
}

// testPhantom races the deletion of a policy, allowed only while no role has it, with its attachment, allowed only while it exists.
func testPhantom(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	errAttached, errGone := errors.New("attached"), errors.New("gone")
	attached, deleted := 0, 0
	for i := range 200 {
		arn, key := fmt.Sprintf("arn:aws:iam::111122223333:policy/p%d", i), fmt.Sprint(i)
		put(t, a.Policies, key, &store.Policy{Name: key})
		put(t, a.Roles, key, role(key))
		var group sync.WaitGroup
		var attachErr, deleteErr error
		group.Go(func() {
			attachErr = a.Transact(t.Context(), func(tx *store.Tx) error {
				if _, ok := store.Read(tx, a.Policies, key); !ok {
					return errGone
				}
				r, _ := store.Read(tx, a.Roles, key)
				r.Attached = []string{arn}
				store.Write(tx, a.Roles, key, r)
				return nil
			})
		})
		group.Go(func() {
			deleteErr = b.Transact(t.Context(), func(tx *store.Tx) error {
				if len(store.ReadBy(tx, b.Roles, store.ByPolicy, arn)) > 0 {
					return errAttached
				}
				store.Write(tx, b.Policies, key, nil)
				return nil
			})
		})
		group.Wait()
		_, exists := a.Policies.Get(key)
		has := len(b.Roles.By(store.ByPolicy, arn)) == 1
		switch {
		case attachErr == nil && errors.Is(deleteErr, errAttached) && exists && has:
			attached++
		case deleteErr == nil && errors.Is(attachErr, errGone) && !exists && !has:
			deleted++
		default:
			t.Fatalf("attach: %v; delete: %v; policy exists: %v; role has it: %v", attachErr, deleteErr, exists, has)
		}
	}
	t.Logf("%d attached, %d deleted", attached, deleted)
}
