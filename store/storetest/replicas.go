package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// testBarrier: what was written through one replica is honoured by the very next read on the other.
func testBarrier(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	writes := 10_000
	if c.DataDir == "" {
		writes = 2_000 // three members take their time
	}
	for i := range writes {
		put(t, a.Roles, "k", &store.Role{MaxSession: i + 1})
		if got, ok := b.Roles.Get("k"); !ok || got.MaxSession != i+1 {
			t.Fatalf("write %d through one replica: the other reads %v", i+1, got)
		}
		a, b = b, a
	}
	put(t, a.Roles, "k", nil)
	if got, ok := b.Roles.Get("k"); ok {
		t.Errorf("deleted through one replica: the other reads %v", got)
	}
}

func testBarrierConcurrent(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	var group sync.WaitGroup
	for i := range 8 {
		writer, reader := a, b
		if i%2 == 1 {
			writer, reader = b, a
		}
		group.Go(func() {
			for n := range 100 {
				key := fmt.Sprintf("%d/%d", i, n)
				put(t, writer.Roles, key, role("x"))
				if _, ok := reader.Roles.Get(key); !ok {
					t.Errorf("%s was acknowledged before every replica had it", key)
				}
			}
		})
	}
	group.Wait()
}

// testJoin has replicas come and go while another writes: the writer must not wait for one that got its writes by loading them, nor for one that left.
func testJoin(t *testing.T, c store.Config) {
	a := open(t, c)
	stop, last, wrote := make(chan struct{}), make(chan int), make(chan int, 1)
	go func() {
		for n := 1; ; n++ {
			_, err := a.Roles.Update(t.Context(), "k", func(*store.Role) (*store.Role, error) { return &store.Role{MaxSession: n}, nil })
			if err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				last <- n
				return
			case wrote <- n:
			default:
			}
		}
	}()
	var b *store.Store
	for range 50 {
		before, ok := a.Roles.Get("k")
		var err error
		if c.DataDir == "" {
			b, err = store.Open(t.Context(), c)
		} else {
			b, err = a.Join(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := b.Roles.Get("k"); ok && got.MaxSession < before.MaxSession {
			t.Errorf("a new replica has %d, which was %d before it came", got.MaxSession, before.MaxSession)
		}
		for range 3 { // the first may be from before, the second may have been under way
			<-wrote
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	t.Logf("%d writes", <-last)
}

// testJoinIdle has replicas come while nothing is written. What one of them finds written already is acknowledged without a wait, whatever
// revision it happens to have loaded.
func testJoinIdle(t *testing.T, c store.Config) {
	a := open(t, c)
	put(t, a.Roles, "k", role("x"))
	for i := range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		var b *store.Store
		var err error
		if c.DataDir == "" {
			b, err = store.Open(ctx, c)
		} else {
			b, err = a.Join(ctx)
		}
		if err != nil {
			t.Fatalf("replica %d: %v", i, err)
		}
		if _, err := b.Roles.Update(ctx, "k", func(old *store.Role) (*store.Role, error) { return old, nil }); err != nil {
			t.Errorf("replica %d: %v", i, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		cancel()
	}
}

func testRing(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	if diff := cmp.Diff(a.Ring().Keys, b.Ring().Keys); diff != "" || len(a.Ring().Keys) != 1 {
		t.Errorf("two replicas have two rings: %s", diff)
	}
	before := a.Ring().Keys[0].ID
	if err := b.RotateRing(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys := a.Ring().Keys
	if len(keys) != 2 || keys[0].ID != before || keys[0].Active || keys[0].Retired.IsZero() || !keys[1].Active {
		t.Errorf("after a rotation: %+v", keys)
	}
}

// testRotation rotates through both replicas at once while both mint, and every session must open on the other replica at once.
func testRotation(t *testing.T, c store.Config) {
	a, b := openPair(t, c)
	stop := make(chan struct{})
	var minting, rotating sync.WaitGroup
	for _, pair := range [][2]*store.Store{{a, b}, {b, a}} {
		minting.Go(func() {
			for minted := 0; ; minted++ {
				select {
				case <-stop:
					t.Logf("%d sessions", minted)
					return
				default:
				}
				creds, _, err := pair[0].Ring().Mint(rand.Reader, session.Session{
					Kind: session.AssumedRole, Account: account, PrincipalID: "AROA", IssuedAt: time.Now(), Expires: time.Now().Add(time.Hour),
				}, 0)
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, err := pair[1].Ring().Open(creds.AccessKeyID, creds.SessionToken); err != nil {
					t.Errorf("session %d does not open on the other replica: %v", minted, err)
					return
				}
			}
		})
		rotating.Go(func() {
			for range 10 {
				if err := pair[0].RotateRing(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	rotating.Wait()
	close(stop)
	minting.Wait()
	active := 0
	for _, k := range a.Ring().Keys {
		if k.Active {
			active++
		}
	}
	if active != 1 || len(a.Ring().Keys) != 21 {
		t.Errorf("20 rotations left %d keys, %d of them active", len(a.Ring().Keys), active)
	}
}

func testRevoked(t *testing.T, c store.Config) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c.Now = func() time.Time { return noon }
	a, b := openPair(t, c)
	id := [16]byte{1, 2, 3}
	if b.Revoked("AROA1", id, noon) {
		t.Error("revoked before anything was")
	}
	for _, r := range []*store.Revocation{
		{RoleID: "AROA1", IssuedBefore: noon, Expires: noon.Add(time.Hour)},
		{SessionID: hex.EncodeToString(id[:]), Expires: noon.Add(time.Hour)},
		{RoleID: "AROA2", IssuedBefore: noon.Add(time.Hour), Expires: noon.Add(-time.Second)},
	} {
		put(t, a.Revocations, r.Key(), r)
	}
	for _, test := range []struct {
		role   string
		id     [16]byte
		issued time.Time
		want   bool
	}{
		{"AROA1", [16]byte{9}, noon.Add(-time.Second), true},
		{"AROA1", [16]byte{9}, noon, false},
		{"AROA3", [16]byte{9}, noon.Add(-time.Second), false},
		{"AROA3", id, noon.Add(time.Hour), true},
		{"AROA2", [16]byte{9}, noon, true},
	} {
		if got := b.Revoked(test.role, test.id, test.issued); got != test.want {
			t.Errorf("%s, %x issued %v: %v, want %v", test.role, test.id, test.issued, got, test.want)
		}
	}
	for _, r := range []store.Revocation{{}, {RoleID: "AROA1", SessionID: "00"}} {
		if key := r.Key(); key != "" {
			t.Errorf("%+v has key %q", r, key)
		}
	}
	if err := a.DropExpiredRevocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.Revoked("AROA2", [16]byte{9}, noon) || !b.Revoked("AROA3", id, noon) || b.Revocations.Len() != 2 {
		t.Errorf("%d revocations are left", b.Revocations.Len())
	}
}
